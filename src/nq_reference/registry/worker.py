"""One worker that was found: where it is, and how it is to be registered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nq_conformance.contract import Runtime, WorkerOptions
from nq_reference.worker.config import FlowConfig


@dataclass(frozen=True, slots=True)
class FoundWorker:
    """A file with a handler. ``line`` is where its configuration stands, 1 if it has none;
    ``attempts`` is what a flow enqueues its jobs with."""

    path: Path
    line: int
    queue: str
    job_name: str
    options: WorkerOptions
    flow: FlowConfig | None = None
    attempts: int = 1

    @property
    def runtime(self) -> Runtime:
        """What runs its handler."""
        return self.options.runtime

    @property
    def place(self) -> str:
        """``path:line``, as editors and terminals know it."""
        return f"{self.path}:{self.line}"
