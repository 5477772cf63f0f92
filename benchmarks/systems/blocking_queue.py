"""What the blocking queues without a worker share: calls without await, and one thread that works."""

from __future__ import annotations

from typing import Any

from benchmarks.systems.one_thread import OneThread


class BlockingQueue:
    """``put`` and ``take`` are the system's own; ``take`` handles one job, if there is any."""

    together = False
    _worker: OneThread | None = None

    def put(self, job: dict[str, Any]) -> None:
        """Store a job."""
        raise NotImplementedError

    def take(self) -> bool:
        """Handle a job; whether there was one."""
        raise NotImplementedError

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Put it."""
        self.put(job)

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Used to fill the queue only."""
        for job in jobs:
            self.put(job)

    async def start_worker(self) -> None:
        """Start the thread."""
        self._worker = OneThread(self.take)
        self._worker.start()

    async def close(self) -> None:
        """Stop the thread."""
        if self._worker is not None:
            self._worker.stop()
