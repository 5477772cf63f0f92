"""What a handler's module says about itself, for whoever registers it: queue, name, flow, worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

Role = Literal["entry", "step"]
Runtime = Literal["in-process", "python", "node-isolated"]


@dataclass(frozen=True, slots=True)
class FlowConfig:
    """The handler's place in a flow.

    ``step`` is the step's name, the job's name if it is ``None``; ``emits`` are the triggers it may emit,
    ``subscribes`` those that start it.
    """

    name: str
    role: Role = "step"
    step: str | None = None
    emits: Sequence[str] = ()
    subscribes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """How the queue's worker is to behave; ``None`` leaves it to the worker manager. Milliseconds."""

    concurrency: int | None = None
    lock_duration_ms: int | None = None
    max_stalled_count: int | None = None
    drain_delay_ms: int | None = None
    autorun: bool | None = None
    timeout_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """All of it. ``queue`` is the file's folder if it is ``None``, ``name``, the job's, the file's own;
    ``attempts`` is what its jobs should be enqueued with."""

    queue: str | None = None
    name: str | None = None
    flow: FlowConfig | None = None
    worker: WorkerConfig = field(default_factory=WorkerConfig)
    runtime: Runtime = "python"
    attempts: int = 1


def define_config(
    *,
    queue: str | None = None,
    name: str | None = None,
    flow: FlowConfig | Mapping[str, Any] | None = None,
    worker: WorkerConfig | Mapping[str, Any] | None = None,
    runtime: Runtime = "python",
    attempts: int = 1,
) -> Config:
    """A ``Config``; ``flow`` and ``worker`` may be plain mappings.

    Raises ``TypeError`` for a key that there is not.
    """
    return Config(
        queue,
        name,
        None if flow is None else _made(FlowConfig, flow),
        _made(WorkerConfig, worker or {}),
        runtime,
        attempts,
    )


_T = TypeVar("_T", FlowConfig, WorkerConfig)


def _made(kind: type[_T], given: _T | Mapping[str, Any]) -> _T:
    if isinstance(given, kind):
        return given
    assert isinstance(given, Mapping)  # noqa: S101 - the types say so
    unknown = sorted(set(given) - set(kind.__slots__))
    if unknown:
        raise TypeError(f"{kind.__name__} has no {unknown[0]!r}; it has {', '.join(kind.__slots__)}")
    return kind(**given)
