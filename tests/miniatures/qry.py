"""Wrong answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from miniatures.base import Miniature
from nq_conformance.contract import JobCounts, JobState
from nq_reference.job_source import StoredJob
from nq_reference.providers.memory import MemoryProvider
from nq_reference.sources.memory import MemorySource


class FindsJobsOfOtherQueues(Miniature):
    """One map of ids for all queues."""

    breaks, tells = "QRY-02", "another queue does not know the id"

    class source_class(MemorySource):
        async def get(self, queue: str, id: str) -> StoredJob | None:
            for name in (queue, *self._queues):
                found = await super().get(name, id)
                if found is not None:
                    return found
            return None


class LooksAtTheFirstStateAlone(Miniature):
    """Of two states asked for, the second is forgotten."""

    breaks, tells = "QRY-04", "get_jobs of delayed and failed"

    class source_class(MemorySource):
        async def list(
            self, queue: str, states: Collection[JobState], offset: int, limit: int | None
        ) -> Sequence[StoredJob]:
            some = states if len(states) == 6 else list(states)[:1]
            return await super().list(queue, some, offset, limit)


class FinishesInSeconds(Miniature):
    """finished_on is in another unit than the other times."""

    breaks, tells = "QRY-10", "timestamp <= processed_on <= finished_on"

    class source_class(MemorySource):
        async def get(self, queue: str, id: str) -> StoredJob | None:
            job = await super().get(queue, id)
            return job and replace(job, finished_on=job.finished_on and job.finished_on // 1000)


class CountsOnlyQueuesItKnows(Miniature):
    """A queue never seen is an error."""

    breaks, tells = "CNT-01", "the call succeeds"

    class source_class(MemorySource):
        async def counts(self, queue: str) -> JobCounts:
            if queue not in self._queues:
                raise KeyError(queue)
            return await super().counts(queue)


class CountsDelayedAsWaiting(Miniature):
    """Counts and lists put the same job into different states."""

    breaks, tells = "CNT-02", "counts.waiting"

    class provider_class(MemoryProvider):
        async def get_job_counts(self, queue_name: str) -> JobCounts:
            counts = await super().get_job_counts(queue_name)
            return replace(counts, waiting=counts.waiting + counts.delayed, delayed=0)
