"""Who takes part in a session: processes with the adapter, each replaced when it has been killed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import anyio

from nq_conformance.lab import Lab, Queue, Run
from nq_conformance.suite.restarts import Process, start

QUEUE: Final = "jobs"
LOCK_MS: Final = 500
SLOTS: Final = 3
LISTENED: Final = ("stalled", "completed", "failed")


@dataclass(slots=True)
class Actor:
    """One part in the play: ``process`` has it now, and ``None`` while nobody has."""

    name: str
    works: bool
    process: Process | None = None
    queue: Queue | None = None


class Cast:
    """A producer and two workers, or where one process at a time is allowed, one that does it all.

    With several processes the kit's own listens and looks, and is never killed.
    """

    def __init__(self, lab: Lab, *, alone: bool) -> None:
        self._lab = lab
        self._alone = alone
        self._watching: Queue | None = None
        names = ("all in one",) if alone else ("producer", "worker 1", "worker 2")
        self.actors = [Actor(name, works=name != "producer") for name in names]
        self.kills = 0

    @property
    def producer(self) -> Actor:
        """The one that enqueues."""
        return self.actors[0]

    @property
    def watcher(self) -> Queue:
        """The queue as somebody sees it who is alive."""
        queue = self._watching or self.producer.queue
        assert queue is not None, "nobody is there to look"
        return queue

    async def enter(self) -> None:
        """Start all processes, side by side."""
        if not self._alone:
            self._watching = await self._lab.queue(QUEUE)
            await self._listen(self._watching)
        async with anyio.create_task_group() as group:
            for actor in self.actors:
                group.start_soon(self.start, actor)

    async def start(self, actor: Actor) -> None:
        """Give a part to a new process. It listens, if it must, before it works."""
        process = await start(self._lab)
        queue = await process.queue(QUEUE)
        if self._alone:
            await self._listen(queue)
        if actor.works:
            await process.work(
                queue,
                self._lab.handler(_handle, name=actor.name),
                concurrency=SLOTS,
                lock_duration_ms=LOCK_MS,
                max_stalled_count=1_000,
            )
        actor.process, actor.queue = process, queue

    async def replace(self, actor: Actor) -> None:
        """SIGKILL, and a new process for the part."""
        process, actor.process, actor.queue = actor.process, None, None
        if process is not None:
            self.kills += 1
            await process.kill()
            await self.start(actor)

    async def _listen(self, queue: Queue) -> None:
        for event in LISTENED:
            await queue.listen(event)


async def _handle(run: Run) -> Any:
    """A little work, with a way through the worker's process and back; some fail at first."""
    for step in range(run.data["steps"]):
        await run.ctx.state.set("step", step)
    if run.data["fails"] and run.ctx.attempt == 1:
        raise RuntimeError("failed on purpose")
    return run.data["n"]
