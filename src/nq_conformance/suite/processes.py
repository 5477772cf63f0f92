"""The same queue, seen from several processes: this one and hosts of the adapter."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import anyio

from nq_conformance.lab import Lab, ManagerUnderTest, Queue
from nq_conformance.lab.hosts import HostUnderTest


@dataclass(frozen=True, slots=True)
class Place:
    """One process's view of a queue. ``host`` is ``None`` for this process."""

    name: str
    queue: Queue
    host: HostUnderTest | None

    async def manager(self, lab: Lab) -> ManagerUnderTest:
        """The process's first manager."""
        return await (lab.manager() if self.host is None else self.host.manager())


async def here_and_there(lab: Lab, others: int = 1) -> list[Place]:
    """A new queue as this process sees it, and as so many others do; they start side by side."""
    queue = await lab.queue()
    hosts = [await lab.host() for _ in range(others)]
    async with AsyncExitStack() as stack:
        for host in hosts:
            await stack.enter_async_context(lab.meanwhile(host.provider))
    there = [Place(host.name, Queue(queue.name, lab, await host.provider()), host) for host in hosts]
    return [Place("this process", queue, None), *there]


async def all_at_once(
    lab: Lab, places: Sequence[Place], call: Callable[[Place], Coroutine[Any, Any, None]]
) -> None:
    """Make ``call`` in all places, so that all processes get to work at the same moment.

    The hosts are frozen until each has been asked.
    """
    hosts = [place.host for place in places if place.host is not None]
    there = [place for place in places if place.host is not None]
    here = [place for place in places if place.host is None]
    for host in hosts:
        host.freeze()

    async def make_calls() -> None:
        async with anyio.create_task_group() as group:
            for place in there:
                group.start_soon(call, place)
            for _ in range(3):  # the calls are on their way
                await anyio.lowlevel.checkpoint()
            for place in here:
                group.start_soon(call, place)
            for host in hosts:
                host.thaw()

    async with lab.meanwhile(make_calls):
        pass


async def in_turn(lab: Lab, queue: Queue, manager: ManagerUnderTest, rounds: int = 3) -> None:
    """Have the workers of ``manager`` run jobs on another queue, one after the other, to their end.

    A canary in another process: ``queue`` tells by which provider.
    """
    other = Queue(f"{queue.name}-canary", lab, queue.provider)
    handler = lab.handler(name="canary in another process")
    await other.work(handler, manager=manager)
    for number in range(1, rounds + 1):
        await other.add({"n": "canary"})
        await handler.finished(number)
