"""saq on Redis: ``Queue.enqueue``, ``Worker``. Results are kept for ten minutes, its default."""

from __future__ import annotations

from saq import Queue

from benchmarks.systems.protocol import Place
from benchmarks.systems.saq_tasks import SaqTasks


class Measured(SaqTasks):
    """saq on Redis."""

    def queue(self, place: Place) -> Queue:
        """The queue to measure."""
        return Queue.from_url(place.roomy_url, name=place.name)
