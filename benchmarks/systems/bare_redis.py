"""A yardstick, no queue: one LPUSH a job with redis-py's asyncio client, and BRPOP to take it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from redis.asyncio import Redis

from benchmarks.systems.protocol import Hit, Place


class Measured:
    """A list in Redis."""

    together = True

    async def setup(self, place: Place, hit: Hit) -> None:
        """Connect."""
        self._client = Redis.from_url(place.roomy_url)
        self._place = place
        self._hit = hit
        self._tasks: list[asyncio.Task[None]] = []

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """LPUSH."""
        await self._client.lpush(self._place.name, json.dumps(job))

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Gather calls of LPUSH."""
        await asyncio.gather(*(self._client.lpush(self._place.name, json.dumps(job)) for job in jobs))

    async def start_worker(self) -> None:
        """Start tasks, each with a BRPOP of its own."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._place.concurrency)]

    async def _work(self) -> None:
        while True:
            taken = await self._client.brpop([self._place.name])
            if taken is not None:
                self._hit(json.loads(taken[1])["sent"])

    async def close(self) -> None:
        """Stop the tasks, disconnect."""
        for task in self._tasks:
            task.cancel()
        await self._client.aclose()
