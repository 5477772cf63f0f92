"""A yardstick, no queue: one append and one fdatasync a job, and one more when it is taken."""

from __future__ import annotations

import json
import os
from collections import deque
from pathlib import Path
from typing import Any

from benchmarks.systems.blocking_queue import BlockingQueue
from benchmarks.systems.protocol import Hit, Place


class Measured(BlockingQueue):
    """Lines in a file, and the same in memory."""

    async def setup(self, place: Place, hit: Hit) -> None:
        """Open the file."""
        self._hit = hit
        self._file = os.open(Path(place.url) / "bare.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._jobs: deque[dict[str, Any]] = deque()

    def put(self, job: dict[str, Any]) -> None:
        """Append and sync."""
        self._append(job)
        self._jobs.append(job)

    def take(self) -> bool:
        """Take the oldest, append and sync; whether there was one."""
        if not self._jobs:
            return False
        job = self._jobs.popleft()
        self._append(["taken", job["n"]])
        self._hit(job["sent"])
        return True

    def _append(self, record: object) -> None:
        os.write(self._file, json.dumps(record).encode() + b"\n")
        os.fdatasync(self._file)
