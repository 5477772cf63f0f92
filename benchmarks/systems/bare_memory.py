"""A yardstick, no queue: ``asyncio.Queue`` with tasks that call the handler. Nothing is checked, copied,
stored, retried or told."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.systems.protocol import Hit, Place


class Measured:
    """asyncio.Queue."""

    together = True

    async def setup(self, place: Place, hit: Hit) -> None:
        """Make the queue."""
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._place = place
        self._hit = hit
        self._tasks: list[asyncio.Task[None]] = []

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Put."""
        await self._queue.put(job)

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Gather puts."""
        await asyncio.gather(*(self._queue.put(job) for job in jobs))

    async def start_worker(self) -> None:
        """Start the tasks."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._place.concurrency)]

    async def _work(self) -> None:
        while True:
            self._hit((await self._queue.get())["sent"])

    async def close(self) -> None:
        """Stop the tasks."""
        for task in self._tasks:
            task.cancel()
