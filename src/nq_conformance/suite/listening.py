"""How tests listen to a queue beyond one event: all events as one story, and a place for
callbacks to start tasks. What they mean is the tests' business."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import anyio
from anyio.abc import TaskGroup

from nq_conformance.clock import DRAIN, Budget
from nq_conformance.contract import QueueEvent
from nq_conformance.lab import Lab, Queue
from nq_conformance.lab.queue import field_of

StartSoon: TypeAlias = Callable[..., None]
"""Called with an async function and its arguments."""


class Story:
    """What the subscribers to several events of one queue hear, in one order."""

    def __init__(self, lab: Lab) -> None:
        self.told: list[tuple[QueueEvent, Any]] = []
        self._lab = lab

    def of(self, id: str, *events: QueueEvent) -> list[str]:
        """The events told of one job, or those of them that are named."""
        return [e for e, p in self.told if field_of(p, "job_id") == id and (not events or e in events)]

    def payloads(self, id: str, event: QueueEvent) -> list[Any]:
        """The payloads of one event of one job."""
        return [p for e, p in self.told if e == event and field_of(p, "job_id") == id]

    async def tells(self, event: QueueEvent, *ids: str, budget: Budget = DRAIN) -> None:
        """Wait until ``event`` has been told of each of these jobs."""

        def missing() -> list[str]:
            there = {field_of(payload, "job_id") for e, payload in self.told if e == event}
            return [id for id in ids if id not in there]

        await self._lab.sees(
            lambda: not missing(),
            budget=budget,
            expected=f"`{event}` is told of {len(ids)} job{'' if len(ids) == 1 else 's'}",
            seen=lambda: f"none for {missing()[:5]!r}; told so far: {[e for e, _ in self.told[-20:]]!r}",
            jobs=ids[:3],
        )


async def follow(lab: Lab, queue: Queue, events: Sequence[QueueEvent]) -> Story:
    """Subscribe to each of ``events``; no later one can be missed."""
    story = Story(lab)
    for event in events:
        await queue.listen(event, then=_teller(story, event))
    return story


@asynccontextmanager
async def tasks_beside(lab: Lab) -> AsyncIterator[StartSoon]:
    """A ``start_soon`` for callbacks, which can't await. Its tasks have ended after the block."""
    groups: list[TaskGroup] = []
    opened, done = anyio.Event(), anyio.Event()

    async def hold() -> None:
        async with anyio.create_task_group() as group:
            groups.append(group)
            opened.set()
            await done.wait()

    async with lab.meanwhile(hold):
        await opened.wait()

        def start_soon(call: Callable[..., Any], *args: Any) -> None:
            groups[0].start_soon(call, *args)

        yield start_soon
        done.set()


def _teller(story: Story, event: QueueEvent) -> Callable[[Any], None]:
    return lambda payload: story.told.append((event, payload))
