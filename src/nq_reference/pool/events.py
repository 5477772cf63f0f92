"""What a pool tells of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

PoolEventType: TypeAlias = Literal[
    "pool.started",
    "pool.scaled",
    "pool.stopping",
    "pool.stopped",
    "worker.started",
    "worker.crashed",
    "worker.stopped",
    "worker.killed",
    "gauge.failed",
]
"""``pool.scaled`` is a decision: ``workers``, ``before``, ``reason`` and what was read.
``worker.crashed`` an end nobody asked for: ``exit`` and ``restart_in_ms``. ``worker.killed``: it
was asked to stop and did not within the grace. ``gauge.failed``: the backlog could not be read,
and the number of workers stays as it is; told again only if it fails in another way."""


@dataclass(frozen=True, slots=True)
class PoolEvent:
    """One thing that happened. ``worker`` counts the pool's processes from 1 on."""

    type: PoolEventType
    worker: int | None = None
    pid: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        who = "" if self.worker is None else f" {self.worker}"
        pid = "" if self.pid is None else f" (pid {self.pid})"
        rest = "".join(f" {key}={value}" for key, value in self.data.items())
        return f"{self.type}{who}{pid}{rest}"
