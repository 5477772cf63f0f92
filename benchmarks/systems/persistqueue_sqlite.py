"""persist-queue: ``SQLiteAckQueue.put``, ``get``, ``ack``; acknowledged jobs stay. Each commit waits for the
disk, SQLite's default. A queue without a worker, so one thread takes the jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from persistqueue import Empty, SQLiteAckQueue

from benchmarks.systems.blocking_queue import BlockingQueue
from benchmarks.systems.protocol import Hit, Place


class Measured(BlockingQueue):
    """persist-queue."""

    async def setup(self, place: Place, hit: Hit) -> None:
        """Open the file."""
        self._hit = hit
        self._queue = SQLiteAckQueue(str(Path(place.url) / "persistqueue"), multithreading=True)

    def put(self, job: dict[str, Any]) -> None:
        """Store a job."""
        self._queue.put(job)

    def take(self) -> bool:
        """Handle a job; whether there was one."""
        try:
            job = self._queue.get(block=False)
        except Empty:
            return False
        self._hit(job["sent"])
        self._queue.ack(job)
        return True
