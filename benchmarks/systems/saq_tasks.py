"""What saq's two backends share."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from saq import Queue, Worker

from benchmarks.systems.protocol import Hit, Place
from benchmarks.tally import RESULT


class SaqTasks:
    """A queue of saq with one function."""

    together = True

    def queue(self, place: Place) -> Queue:
        """The queue to measure."""
        raise NotImplementedError

    async def setup(self, place: Place, hit: Hit) -> None:
        """Connect."""
        logging.getLogger("saq").setLevel(logging.WARNING)  # it tells of every job otherwise
        self._place = place
        self._hit = hit
        self._queue = self.queue(place)
        await self._queue.connect()
        self._running: asyncio.Task[None] | None = None

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Call ``enqueue``."""
        await self._queue.enqueue("send", **job)

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Gather calls of ``enqueue``."""
        await asyncio.gather(*(self._queue.enqueue("send", **job) for job in jobs))

    async def start_worker(self) -> None:
        """Start the worker."""
        hit = self._hit

        async def send(ctx: Any, *, sent: int, **rest: Any) -> bool:
            del ctx, rest
            hit(sent)
            return RESULT

        self._worker = Worker(self._queue, [("send", send)], concurrency=self._place.concurrency)
        self._running = asyncio.create_task(self._worker.start())

    async def close(self) -> None:
        """Stop the worker, disconnect."""
        if self._running is not None:
            await self._worker.stop()
            self._running.cancel()
        await self._queue.disconnect()
