"""saq on Postgres: ``Queue.enqueue``, ``Worker``. Results are kept for ten minutes, its default."""

from __future__ import annotations

from saq import Queue

from benchmarks.systems.protocol import Place
from benchmarks.systems.saq_tasks import SaqTasks


class Measured(SaqTasks):
    """saq on Postgres."""

    def queue(self, place: Place) -> Queue:
        """The queue to measure."""
        return Queue.from_url(place.url, name=place.name)
