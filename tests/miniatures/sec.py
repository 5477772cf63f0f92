"""Wrong names."""

from __future__ import annotations

from miniatures.base import Miniature
from nq_reference.job_source import NewJob
from nq_reference.sources.memory import MemoryQueue, MemorySource


class SwallowsTheIdMeta(Miniature):
    """A job whose id is that of an internal key is accepted and lost."""

    breaks, tells = "SEC-02", "get_job finds the job 'meta'"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            if new.id != "meta":
                super().add(new)


class FoldsCase(Miniature):
    """Queues whose names differ in case share a directory."""

    breaks, tells = "SEC-04", "jobs of the queue 'Case'"

    class source_class(MemorySource):
        def queue(self, name: str) -> MemoryQueue:
            return super().queue(name.lower())
