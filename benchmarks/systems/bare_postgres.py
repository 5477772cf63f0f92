"""A yardstick, no queue: one INSERT a job with asyncpg, and DELETE of as many as may run at once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg

from benchmarks.systems.protocol import Hit, Place

CONNECTIONS = 8  # as many as ours has
_TABLE = "CREATE TABLE IF NOT EXISTS job (number bigserial PRIMARY KEY, data text NOT NULL)"
_PUT = "WITH new AS (INSERT INTO job (data) VALUES ($1)) SELECT pg_notify('job', '')"
_TAKE = """DELETE FROM job WHERE number = ANY (ARRAY(
  SELECT number FROM job ORDER BY number LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING data"""


class Measured:
    """A table in Postgres."""

    together = True

    async def setup(self, place: Place, hit: Hit) -> None:
        """Connect, and make the table."""
        self._place = place
        self._hit = hit
        self._pool = await asyncpg.create_pool(place.url, min_size=CONNECTIONS, max_size=CONNECTIONS)
        await self._pool.execute(_TABLE)
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """INSERT."""
        await self._pool.execute(_PUT, json.dumps(job))

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Gather INSERTs."""
        await asyncio.gather(*(self.enqueue_one(job) for job in jobs))

    async def start_worker(self) -> None:
        """Listen, and start one task."""
        self._listener = await asyncpg.connect(self._place.url)
        await self._listener.add_listener("job", lambda *_: self._news.set())
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while True:
            self._news.clear()
            while taken := await self._pool.fetch(_TAKE, self._place.concurrency):
                for (data,) in taken:
                    self._hit(json.loads(data)["sent"])
            await self._news.wait()

    async def close(self) -> None:
        """Stop the task, disconnect."""
        if self._task is not None:
            self._task.cancel()
            await self._listener.close()
        await self._pool.close()
