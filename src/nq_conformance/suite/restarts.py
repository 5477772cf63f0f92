"""Processes one after the other on the same data: what a deployment or a crash makes of a queue.

Every process is a host of the adapter. The kit's own provider is never opened here, so that
a backend for a single writer can be judged as well.
"""

from __future__ import annotations

from typing import Any, Final

from nq_conformance.clock import Budget
from nq_conformance.lab import Lab, Queue, Recorder
from nq_conformance.lab.hosts import HostUnderTest
from nq_conformance.suite.processes import in_turn

LOCK_MS: Final = 1_000
"""The lock duration of workers whose jobs are to be taken over."""
TAKEOVER: Final = Budget(
    "takeover", 16_000, "a job of a dead worker is taken over: its lock ends, and the next check comes round"
)


class Process:
    """One process with the adapter in it."""

    def __init__(self, lab: Lab, host: HostUnderTest) -> None:
        self.host = host
        self._lab = lab
        self._passes = 0

    async def queue(self, name: str) -> Queue:
        """A queue as this process sees it."""
        return Queue(name, self._lab, await self.host.provider())

    async def work(self, queue: Queue, handler: Any, **opts: Any) -> None:
        """Register ``handler`` in this process; ``name`` and ``opts`` as for ``Queue.work``."""
        await queue.work(handler, manager=await self.host.manager(), **opts)

    async def handled(self, queue: Queue, what: str = "handler", **opts: Any) -> Recorder:
        """Register a recording handler that returns its input; returns the handler."""
        handler = self._lab.handler(name=what)
        await self.work(queue, handler, **opts)
        return handler

    async def let_pass(self, ms: int) -> None:
        """Return once this process has run a job that was delayed by ``ms``, and some more after it."""
        self._passes += 1
        queue = await self.queue(f"time-{self._passes}")
        control = await self.handled(queue, "control")
        await queue.add({"n": "control"}, delay=ms)
        await control.finished(1)
        await self.canary(queue)

    async def canary(self, queue: Queue) -> None:
        """Run jobs in this process, on a queue named after ``queue``, one after the other."""
        await in_turn(self._lab, queue, await self.host.manager())

    async def end(self) -> None:
        """Shut down in order: the workers, the provider, the process."""
        if self._lab.adapter.has_workers:
            await (await self.host.manager()).close_all()
        await (await self.host.provider()).close()
        await self.host.raw.kill()

    async def kill(self) -> None:
        """SIGKILL."""
        await self.host.kill()


async def start(lab: Lab) -> Process:
    """A new process with the adapter in it, its provider initialised."""
    process = Process(lab, await lab.host())
    await process.host.provider()
    return process
