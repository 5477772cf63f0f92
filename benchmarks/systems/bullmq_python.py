"""The official Python port of BullMQ: ``Queue.add``, ``Worker``. Finished jobs and results are kept."""

from __future__ import annotations

import asyncio
from typing import Any

from bullmq import Queue, Worker

from benchmarks.systems.protocol import Hit, Place
from benchmarks.tally import RESULT


class Measured:
    """bullmq for Python."""

    together = True

    async def setup(self, place: Place, hit: Hit) -> None:
        """Make the queue."""
        self._place = place
        self._hit = hit
        self._queue = Queue("jobs", {"connection": place.roomy_url, "prefix": place.name})
        self._worker: Worker | None = None

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Call ``add``."""
        await self._queue.add("send", job, {})

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Gather calls of ``add``."""
        await asyncio.gather(*(self._queue.add("send", job, {}) for job in jobs))

    async def start_worker(self) -> None:
        """Make the worker, which starts by itself."""
        hit = self._hit

        async def send(job: Any, token: str) -> bool:
            del token
            hit(job.data["sent"])
            return RESULT

        place = self._place
        options = {"connection": place.roomy_url, "prefix": place.name, "concurrency": place.concurrency}
        self._worker = Worker("jobs", send, options)

    async def close(self) -> None:
        """Close both."""
        if self._worker is not None:
            await self._worker.close(force=True)
        await self._queue.close()
