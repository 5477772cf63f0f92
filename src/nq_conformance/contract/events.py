"""Events: what a queue tells its subscribers, and what a running step tells the event bus.

Only names and shapes. Who emits what, when and how often is the business of the rules
EVT-* (queue events) and RUN-* (step events).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

QueueEvent: TypeAlias = Literal[
    "waiting", "active", "progress", "completed", "failed", "delayed", "paused", "stalled"
]
QUEUE_EVENTS: tuple[QueueEvent, ...] = (
    "waiting",
    "active",
    "progress",
    "completed",
    "failed",
    "delayed",
    "paused",
    "stalled",
)

QueueCallback: TypeAlias = Callable[[Any], None]
"""A plain function, called on the adapter's event loop with a payload that has ``job_id``
(not for ``paused``) and, by event: waiting ``prev``; delayed ``delay`` (due time in epoch
ms); completed ``return_value``; failed ``failed_reason`` (question 20)."""


@runtime_checkable
class Unsubscribe(Protocol):
    """What ``on`` returns: a callable that ends this one subscription, and may be called again.

    An adapter that cannot be listening yet when ``on`` returns offers ``ready`` as well:
    awaited, it returns once no later event can be missed (EVT-10). It is optional.
    """

    def __call__(self) -> None:
        """End the subscription; any number of times (EVT-07)."""


class ReadyUnsubscribe(Unsubscribe, Protocol):
    """An ``Unsubscribe`` whose subscription takes effect once ``ready`` has returned."""

    def ready(self) -> Awaitable[None]:
        """Return once no later event can be missed."""
        ...


StepEventType: TypeAlias = Literal[
    "step.started", "step.completed", "step.retry", "step.failed", "log", "emit"
]


@dataclass(frozen=True, slots=True)
class StepEvent:
    """One thing that happened to one attempt at a step.

    ``run_id`` is the flow's id. ``step_id`` is ``{flow_id}__{step_name}__attempt-{attempt}``,
    the same on all events of an attempt (RUN-03).
    """

    type: StepEventType
    run_id: str
    flow_name: str
    step_name: str
    step_id: str
    attempt: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


class EventManager(Protocol):
    """Where step events go. It is given to the worker manager; when it raises, jobs do not
    notice (RUN-05, question 12)."""

    async def publish_bus(self, event: StepEvent) -> None:
        """Take one step event."""
