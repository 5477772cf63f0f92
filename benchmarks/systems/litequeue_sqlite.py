"""litequeue: ``put``, ``pop``, ``done``; finished jobs stay. It sets ``synchronous`` to NORMAL: a commit does
not wait for the disk. A queue without a worker, so one thread takes the jobs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from litequeue import LiteQueue

from benchmarks.systems.blocking_queue import BlockingQueue
from benchmarks.systems.protocol import Hit, Place


class Measured(BlockingQueue):
    """litequeue."""

    async def setup(self, place: Place, hit: Hit) -> None:
        """Open the file."""
        self._hit = hit
        self._queue = LiteQueue(str(Path(place.url) / "litequeue.db"))

    def put(self, job: dict[str, Any]) -> None:
        """Store a job as text, which is all it takes."""
        self._queue.put(json.dumps(job))

    def take(self) -> bool:
        """Handle a job; whether there was one."""
        message = self._queue.pop()
        if message is None:
            return False
        self._hit(json.loads(message.data)["sent"])
        self._queue.done(message.message_id)
        return True
