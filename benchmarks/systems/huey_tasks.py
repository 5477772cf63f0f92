"""What huey's backends share."""

from __future__ import annotations

import logging
from typing import Any

from huey.api import Huey

from benchmarks.systems.protocol import Hit, Place
from benchmarks.tally import RESULT


class HueyTasks:
    """A huey with one task."""

    together = False

    def declare(self, huey: Huey, place: Place, hit: Hit) -> None:
        """Take a huey and declare the task."""
        logging.getLogger("huey").setLevel(logging.WARNING)
        self._huey = huey
        self._place = place

        def send(job: dict[str, Any]) -> bool:
            hit(job["sent"])
            return RESULT

        self._task = huey.task()(send)
        self._consumer: Any = None

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Call the task."""
        self._task(job)

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Used to fill the queue only."""
        for job in jobs:
            self._task(job)

    async def start_worker(self) -> None:
        """Start the consumer's threads; where they poll, idle ones do every millisecond."""
        self._consumer = self._huey.create_consumer(
            workers=self._place.concurrency,
            periodic=False,
            initial_delay=0.001,
            max_delay=0.001,
            backoff=1.0 + 1e-9,
            check_worker_health=False,
        )
        self._consumer.start()

    async def close(self) -> None:
        """Stop the consumer."""
        if self._consumer is not None:
            self._consumer.stop(graceful=False)
