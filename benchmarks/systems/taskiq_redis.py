"""taskiq with ``RedisStreamBroker``, its acknowledging broker. The default result backend stores nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

from benchmarks.systems.protocol import Hit, Place
from benchmarks.tally import RESULT


class Measured:
    """taskiq on a Redis stream."""

    together = True

    async def setup(self, place: Place, hit: Hit) -> None:
        """Connect, and make the stream's group."""
        logging.getLogger("taskiq").setLevel(logging.WARNING)
        self._place = place
        self._broker = RedisStreamBroker(place.url, queue_name=place.name, consumer_id="0")
        await self._broker.startup()

        async def send(job: dict[str, Any]) -> bool:
            hit(job["sent"])
            return RESULT

        self._task = self._broker.register_task(send, task_name="send")
        self._running: asyncio.Task[None] | None = None

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Call ``kiq``."""
        await self._task.kiq(job)

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Gather calls of ``kiq``."""
        await asyncio.gather(*(self._task.kiq(job) for job in jobs))

    async def start_worker(self) -> None:
        """Start its receiver."""
        receiver = run_receiver_task(self._broker, max_async_tasks=self._place.concurrency)
        self._running = asyncio.create_task(receiver)

    async def close(self) -> None:
        """Stop the receiver, disconnect."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running}, timeout=1)
        await self._broker.shutdown()
