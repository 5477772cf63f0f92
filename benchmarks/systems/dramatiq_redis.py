"""dramatiq: ``actor.send``, ``Worker`` with threads. No results without its results middleware, so none are
stored; its default middleware (retries, age limit, time limit, …) stays. A blocking client."""

from __future__ import annotations

from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.systems.protocol import Hit, Place


class Measured:
    """dramatiq on Redis."""

    together = False

    async def setup(self, place: Place, hit: Hit) -> None:
        """Declare the actor."""
        self._place = place
        self._broker = RedisBroker(url=place.roomy_url, namespace=place.name)

        def send(job: dict[str, Any]) -> None:  # it warns of each result that nothing stores
            hit(job["sent"])

        self._actor = dramatiq.actor(send, broker=self._broker)
        self._worker: dramatiq.Worker | None = None

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Call ``send``."""
        self._actor.send(job)

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Used to fill the queue only."""
        for job in jobs:
            self._actor.send(job)

    async def start_worker(self) -> None:
        """Start the worker's threads."""
        self._worker = dramatiq.Worker(self._broker, worker_threads=self._place.concurrency)
        self._worker.start()

    async def close(self) -> None:
        """Stop the worker, disconnect."""
        if self._worker is not None:
            self._worker.stop()
        self._broker.close()
