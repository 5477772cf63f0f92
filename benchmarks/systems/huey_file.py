"""huey on files, with a consumer of threads. Nothing waits for the disk, and huey's authors advise
against its use in production. No acknowledgement: a job that a crashed consumer had taken is lost."""

from __future__ import annotations

from pathlib import Path

from huey import FileHuey

from benchmarks.systems.huey_tasks import HueyTasks
from benchmarks.systems.protocol import Hit, Place


class Measured(HueyTasks):
    """huey on files."""

    async def setup(self, place: Place, hit: Hit) -> None:
        """Declare the task; a lock between threads is enough here, and the cheaper one."""
        self.declare(FileHuey("jobs", path=str(Path(place.url) / "huey"), use_thread_lock=True), place, hit)
