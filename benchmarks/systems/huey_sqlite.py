"""huey on SQLite, with a consumer of threads. Each commit waits for the disk (``fsync=True`` is what
SQLite does by default). No acknowledgement: a job that a crashed consumer had taken is lost. Blocking."""

from __future__ import annotations

from pathlib import Path

from huey import SqliteHuey

from benchmarks.systems.huey_tasks import HueyTasks
from benchmarks.systems.protocol import Hit, Place


class Measured(HueyTasks):
    """huey on SQLite."""

    async def setup(self, place: Place, hit: Hit) -> None:
        """Declare the task."""
        self.declare(SqliteHuey("jobs", filename=str(Path(place.url) / "huey.db"), fsync=True), place, hit)
