"""A yardstick, no queue: a commit that inserts a job, a commit that deletes the oldest, each on the disk."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.systems.blocking_queue import BlockingQueue
from benchmarks.systems.protocol import Hit, Place


class Measured(BlockingQueue):
    """A table in SQLite."""

    synchronous: ClassVar[str] = "FULL"

    async def setup(self, place: Place, hit: Hit) -> None:
        """Open the file."""
        self._hit = hit
        path = Path(place.url) / "bare.db"
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(f"PRAGMA synchronous = {self.synchronous}")
        self._connection.execute("CREATE TABLE IF NOT EXISTS job (number INTEGER PRIMARY KEY, data TEXT)")

    def put(self, job: dict[str, Any]) -> None:
        """INSERT."""
        self._connection.execute("INSERT INTO job (data) VALUES (?)", (json.dumps(job),))

    def take(self) -> bool:
        """DELETE the oldest; whether there was one."""
        statement = "DELETE FROM job WHERE number = (SELECT min(number) FROM job) RETURNING data"
        taken = self._connection.execute(statement).fetchone()
        if taken is None:
            return False
        self._hit(json.loads(taken[0])["sent"])
        return True
