"""Which handler a job goes to: by its exact name and nothing else (DSP-01, DSP-08)."""

from __future__ import annotations

from dataclasses import dataclass

from nq_conformance.contract import ChildHandler, WorkerHandler, WorkerOptions


@dataclass(frozen=True, slots=True)
class Registration:
    """A handler with the options it was registered with. ``given`` is what was registered, which
    names the handler where that runs in child processes."""

    handler: WorkerHandler
    options: WorkerOptions
    given: WorkerHandler | ChildHandler


class Dispatcher:
    """The handlers of one queue."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._registrations: dict[str, Registration] = {}

    def register(self, job_name: str, registration: Registration) -> WorkerHandler | None:
        """Take a handler; the same name again replaces it (DSP-05). Returns the one replaced."""
        replaced = self._registrations.get(job_name)
        self._registrations[job_name] = registration
        return None if replaced is None else replaced.handler

    def find(self, job_name: str) -> Registration | None:
        """What is registered under exactly this name."""
        return self._registrations.get(job_name)

    def missing(self, job_name: str) -> str:
        """The reason of a job that no handler is there for (question 7)."""
        available = ", ".join(self._registrations)
        return f'No handler for job "{job_name}" on queue "{self._queue}". Available: {available}'
