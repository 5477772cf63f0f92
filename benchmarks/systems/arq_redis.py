"""arq: ``enqueue_job``, ``Worker``. Results are kept for an hour, its default; the poll is set to 10 ms
(its default of 500 ms bounds the latency and the drain)."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker, func

from benchmarks.systems.protocol import Hit, Place
from benchmarks.tally import RESULT


class Measured:
    """arq."""

    together = True

    async def setup(self, place: Place, hit: Hit) -> None:
        """Connect."""
        logging.getLogger("arq").setLevel(logging.WARNING)
        self._place = place
        self._hit = hit
        self._pool = await create_pool(RedisSettings.from_dsn(place.url), default_queue_name=place.name)
        self._worker: Worker | None = None

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Call ``enqueue_job``."""
        await self._pool.enqueue_job("send", job)

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Gather calls of ``enqueue_job``."""
        await asyncio.gather(*(self._pool.enqueue_job("send", job) for job in jobs))

    async def start_worker(self) -> None:
        """Start the worker."""
        hit = self._hit

        async def send(ctx: Any, job: dict[str, Any]) -> bool:
            del ctx
            hit(job["sent"])
            return RESULT

        self._worker = Worker(
            [func(send, name="send")],
            redis_pool=self._pool,
            queue_name=self._place.name,
            max_jobs=self._place.concurrency,
            poll_delay=0.01,
            handle_signals=False,
        )
        self._running = asyncio.create_task(self._worker.async_run())

    async def close(self) -> None:
        """Stop the worker, disconnect."""
        if self._worker is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
        await self._pool.aclose()
