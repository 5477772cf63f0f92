"""huey in memory, with a consumer of threads. Results are stored until they are read."""

from __future__ import annotations

from huey import MemoryHuey

from benchmarks.systems.huey_tasks import HueyTasks
from benchmarks.systems.protocol import Hit, Place


class Measured(HueyTasks):
    """huey in memory."""

    async def setup(self, place: Place, hit: Hit) -> None:
        """Declare the task; ``immediate`` would run it in the caller instead of a worker."""
        self.declare(MemoryHuey(place.name, immediate=False), place, hit)
