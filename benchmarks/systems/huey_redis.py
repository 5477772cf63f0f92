"""huey on Redis: a task call, a consumer with threads. Results are stored until they are read. No
acknowledgement: a job that a crashed consumer had taken is lost. A blocking client."""

from __future__ import annotations

from huey import RedisHuey

from benchmarks.systems.huey_tasks import HueyTasks
from benchmarks.systems.protocol import Hit, Place


class Measured(HueyTasks):
    """huey on Redis."""

    async def setup(self, place: Place, hit: Hit) -> None:
        """Declare the task."""
        self.declare(RedisHuey(place.name, url=place.roomy_url, blocking=True), place, hit)
