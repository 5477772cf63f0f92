"""pgqueuer: ``Queries.enqueue``, ``PgQueuer.run``. Jobs leave the table when they end, lines in a log stay.
No results. It asks for batches of at most half the concurrency."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import asyncpg
from pgqueuer import AsyncpgPoolDriver, Job, PgQueuer, Queries

from benchmarks.systems.protocol import Hit, Place

CONNECTIONS = 8  # as many as ours has


class Measured:
    """pgqueuer."""

    together = True

    async def setup(self, place: Place, hit: Hit) -> None:
        """Connect, and make the tables."""
        logging.getLogger("pgqueuer").setLevel(logging.WARNING)
        self._place = place
        self._hit = hit
        self._pool = await asyncpg.create_pool(place.url, min_size=1, max_size=CONNECTIONS)
        self._driver = AsyncpgPoolDriver(self._pool)
        self._queries = Queries(self._driver)
        if not await self._queries.has_table(self._queries.qbe.settings.queue_table):
            await self._queries.install()
        self._running: asyncio.Task[None] | None = None

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Call ``enqueue``."""
        await self._queries.enqueue("send", json.dumps(job).encode())

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Gather calls of ``enqueue``."""
        await asyncio.gather(*(self.enqueue_one(job) for job in jobs))

    async def start_worker(self) -> None:
        """Start the worker."""
        worker = PgQueuer(self._driver)

        @worker.entrypoint("send")
        async def send(job: Job) -> None:
            assert job.payload is not None  # noqa: S101 - all have one
            self._hit(json.loads(job.payload)["sent"])

        concurrency = self._place.concurrency
        running = worker.run(batch_size=concurrency // 2, max_concurrent_tasks=concurrency)
        self._running = asyncio.create_task(running)

    async def close(self) -> None:
        """Stop the worker, disconnect."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running}, timeout=1)
        self._pool.terminate()
