"""taskiq's ``InMemoryBroker``: each enqueue starts a task of asyncio, so it has no backlog to drain and no
worker to start. A drain here is the enqueues and the wait for their end. The last 100 results are kept."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from taskiq import InMemoryBroker

from benchmarks.systems.protocol import Hit, Place
from benchmarks.tally import RESULT


class Measured:
    """taskiq in memory."""

    together = True

    async def setup(self, place: Place, hit: Hit) -> None:
        """Declare the task."""
        logging.getLogger("taskiq").setLevel(logging.WARNING)
        self._broker = InMemoryBroker(max_async_tasks=place.concurrency or 30)
        await self._broker.startup()

        async def send(job: dict[str, Any]) -> bool:
            hit(job["sent"])
            return RESULT

        self._task = self._broker.register_task(send, task_name="send")

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Call ``kiq``."""
        await self._task.kiq(job)

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Gather calls of ``kiq``."""
        await asyncio.gather(*(self._task.kiq(job) for job in jobs))

    async def start_worker(self) -> None:
        """Tasks run by themselves as soon as the event loop turns."""

    async def close(self) -> None:
        """Wait for tasks that still run."""
        await self._broker.wait_all()
        await self._broker.shutdown()
