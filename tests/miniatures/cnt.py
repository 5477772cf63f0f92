"""Wrong counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from miniatures.base import Miniature
from nq_conformance.contract import JobCounts, JobState
from nq_reference.job_source import StoredJob
from nq_reference.sources.memory import MemorySource


class CountsOnlyQueuesItKnows(Miniature):
    """A queue never seen is an error."""

    breaks, tells = "CNT-01", "the call succeeds"

    class source_class(MemorySource):
        async def counts(self, queue: str) -> JobCounts:
            if queue not in self._queues:
                raise KeyError(queue)
            return await super().counts(queue)


class CountsPrioritiesAsDelayed(Miniature):
    """Counts and lists put the same job into different states."""

    breaks, tells = "CNT-02", "counts.waiting, as many as get_jobs lists"

    class source_class(MemorySource):
        async def counts(self, queue: str) -> JobCounts:
            counts = await super().counts(queue)
            waiting = await self.list(queue, ["waiting"], 0, None)
            moved = sum(job.opts.priority > 0 for job in waiting)
            return replace(counts, waiting=counts.waiting - moved, delayed=counts.delayed + moved)


class ListsAsWaitingWhatItCountsAsPaused(Miniature):
    """Held jobs have one state in counts and another in lists."""

    breaks, tells = "CNT-02", "counts.waiting on a paused queue"

    class source_class(MemorySource):
        async def counts(self, queue: str) -> JobCounts:
            counts = await super().counts(queue)
            held = counts.waiting if await self.is_paused(queue) else 0
            return replace(counts, waiting=counts.waiting - held, paused=held)


class CountsPrioritiesNowhereWhileTheyRun(Miniature):
    """A job with a priority has left its list when it runs, and is in no other."""

    breaks, tells = "CNT-03", "the sum of all counts, whenever one of 48 jobs runs: [48]"
    also = ("QRY-13",)
    because = "the model counts as well"

    class source_class(MemorySource):
        async def counts(self, queue: str) -> JobCounts:
            counts = await super().counts(queue)
            active = await self.list(queue, ["active"], 0, None)
            return replace(counts, active=sum(not job.opts.priority for job in active))


class ForgetsPrioritiesWhilePaused(Miniature):
    """The list of jobs with a priority is not looked at while the queue is held."""

    breaks, tells = "CNT-04", "waiting + paused is the backlog of 2 on a paused queue"
    also = ("CNT-03",)
    because = "a job that is missing from the backlog is counted nowhere"

    class source_class(MemorySource):
        async def list(
            self, queue: str, states: Collection[JobState], offset: int, limit: int | None
        ) -> Sequence[StoredJob]:
            found = await super().list(queue, states, offset, limit)
            hidden = await self._hidden(queue)
            return [job for job in found if job.id not in hidden]

        async def counts(self, queue: str) -> JobCounts:
            counts = await super().counts(queue)
            return replace(counts, waiting=counts.waiting - len(await self._hidden(queue)))

        async def _hidden(self, queue: str) -> set[str]:
            if not await self.is_paused(queue):
                return set()
            waiting = await super().list(queue, ["waiting"], 0, None)
            return {job.id for job in waiting if job.opts.priority}
