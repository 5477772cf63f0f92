"""Wrong answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import cast

from miniatures.base import Miniature
from nq_conformance.contract import Job, JobOptions, JobsQuery, JobState
from nq_reference.job_source import NewJob, Outcome, StoredJob
from nq_reference.names import check_name
from nq_reference.providers.memory import MemoryProvider
from nq_reference.sources.memory import MemoryQueue, MemorySource
from nq_reference.sources.memory.queue import JobRecord


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

    class queue_class(MemoryQueue):
        def end(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            super().end(job, outcome, now)
            job.finished_on = now // 1000


class RefusesToLookUpWhatIsNoName(Miniature):
    """The rule for new ids is applied to questions."""

    breaks, tells = "QRY-01", "the call succeeds"

    class provider_class(MemoryProvider):
        async def get_job(self, queue_name: str, id: str) -> Job | None:
            return await super().get_job(queue_name, check_name("id", id))


class TakesAnIdForAPattern(Miniature):
    """Ids are handed to a search that knows wild cards."""

    breaks, tells = "QRY-01", "which no job has, returns None"
    also = ("SEC-03",)
    because = "an id that is read as a pattern finds what its sender has no right to see"

    class source_class(MemorySource):
        async def get(self, queue: str, id: str) -> StoredJob | None:
            found = await super().get(queue, id)
            if found is None and id.endswith("*"):
                ids = [known for known in self.queue(queue).jobs if known.startswith(id[:-1])]
                return await super().get(queue, ids[0]) if ids else None
            return found


class LeaksAStateOfItsOwn(Miniature):
    """The list of jobs with a priority is called by its name in the backend while it is held."""

    breaks, tells = "QRY-03", "a state of the contract"

    class source_class(MemorySource):
        async def get(self, queue: str, id: str) -> StoredJob | None:
            job = await super().get(queue, id)
            if job and job.state == "waiting" and job.opts.priority and await self.is_paused(queue):
                return replace(job, state=cast("JobState", "prioritized"))
            return job


class PagesEachStateForItself(Miniature):
    """limit and offset are handed to each state's list."""

    breaks, tells = "QRY-05", "how many of"

    class source_class(MemorySource):
        async def list(
            self, queue: str, states: Collection[JobState], offset: int, limit: int | None
        ) -> Sequence[StoredJob]:
            if not offset and limit is None:
                return await super().list(queue, states, offset, limit)
            pages = [await MemorySource.list(self, queue, (s,), offset, limit) for s in set(states)]
            return [job for page in pages for job in page]


class TakesALimitOfZeroForNone(Miniature):
    """0 is falsy."""

    breaks, tells = "QRY-06", "limit=0, offset=0): []"

    class provider_class(MemoryProvider):
        async def get_jobs(self, queue_name: str, query: JobsQuery | None = None) -> Sequence[Job]:
            return await super().get_jobs(queue_name, query and replace(query, limit=query.limit or None))


class ReadsNegativesFromTheEnd(Miniature):
    """Numbers below zero are left to the backend, which counts them from the end."""

    breaks, tells = "QRY-06", "get_jobs(limit=-1, offset=0) raises"

    class provider_class(MemoryProvider):
        async def get_jobs(self, queue_name: str, query: JobsQuery | None = None) -> Sequence[Job]:
            limit, offset = (query.limit, query.offset) if query else (None, 0)
            if limit is None or (limit >= 0 and offset >= 0):
                return await super().get_jobs(queue_name, query)
            return (await super().get_jobs(queue_name))[offset : offset + limit or None]


class SortsByTimeAlone(Miniature):
    """Sorts by a time in seconds, so that jobs made together change places between calls."""

    breaks, tells = "QRY-07", "pages of"

    class source_class(MemorySource):
        turn = 1

        async def list(
            self, queue: str, states: Collection[JobState], offset: int, limit: int | None
        ) -> Sequence[StoredJob]:
            found = await super().list(queue, states, 0, None)
            self.turn = -self.turn
            sorted_jobs = sorted(found[:: self.turn], key=lambda job: job.timestamp // 1000)
            return sorted_jobs[offset : None if limit is None else offset + limit]


class FillsTheTimeOfTheReadIn(Miniature):
    """timestamp is when a job is looked at."""

    breaks, tells = "QRY-08", "timestamp"

    class source_class(MemorySource):
        async def get(self, queue: str, id: str) -> StoredJob | None:
            job = await super().get(queue, id)
            return job and replace(job, timestamp=min(job.processed_on or 2**60, await self.now()))


class ListsLessThanItShows(Miniature):
    """The list leaves out a field that costs another query."""

    breaks, tells = "QRY-08", "opts.timeout: get_job has 5000, get_jobs None"

    class source_class(MemorySource):
        async def list(
            self, queue: str, states: Collection[JobState], offset: int, limit: int | None
        ) -> Sequence[StoredJob]:
            found = await super().list(queue, states, offset, limit)
            return [replace(job, opts=replace(job.opts, timeout=None)) for job in found]


class ShowsDefaultOptions(Miniature):
    """Of a job's options only those that order it are kept where it can be looked at."""

    breaks, tells = "QRY-08", "get_job shows what was given"

    class source_class(MemorySource):
        async def get(self, queue: str, id: str) -> StoredJob | None:
            job = await super().get(queue, id)
            return job and _with_few_options(job)

        async def list(
            self, queue: str, states: Collection[JobState], offset: int, limit: int | None
        ) -> Sequence[StoredJob]:
            return [_with_few_options(job) for job in await super().list(queue, states, offset, limit)]


def _with_few_options(job: StoredJob) -> StoredJob:
    return replace(job, opts=JobOptions(attempts=job.opts.attempts, priority=job.opts.priority))


class StampsDelayedJobsWhenTheyAreDue(Miniature):
    """timestamp of a delayed job is in the future."""

    breaks, tells = "QRY-08", "the time of the enqueue"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            super().add(new)
            self.jobs[new.id].timestamp += new.delay if new.delay > 10_000 else 0


class TakesAPriorityForWork(Miniature):
    """A job with a priority is shown as waiting, also while it is delayed."""

    breaks, tells = "QRY-09", "delay 60001: 'delayed'"

    class source_class(MemorySource):
        async def get(self, queue: str, id: str) -> StoredJob | None:
            job = await super().get(queue, id)
            hidden = job is not None and job.state == "delayed" and 0 < job.opts.priority < 100
            return replace(job, state="waiting") if job and hidden and job.opts.delay > 60_000 else job


class DelaysForEver(Miniature):
    """The state is made from the option: once delayed, a job is shown so until it has ended."""

    breaks, tells = "QRY-09", "its state while its handler runs: 'active'"

    class source_class(MemorySource):
        async def get(self, queue: str, id: str) -> StoredJob | None:
            job = await super().get(queue, id)
            return replace(job, state="delayed") if job and job.opts.delay and job.state == "active" else job


class DropsFalsyResults(Miniature):
    """``if result:``."""

    breaks, tells = "QRY-11", "where the handler returned False, is the same"

    class source_class(MemorySource):
        async def get(self, queue: str, id: str) -> StoredJob | None:
            job = await super().get(queue, id)
            falsy = job is not None and job.return_value in ("false", '""', "[]", "{}")
            return replace(job, return_value=None) if job and falsy else job


class ListsTheNewestFirst(Miniature):
    """As from a list that is pushed at the left."""

    breaks, tells = "QRY-12", "oldest first"

    class source_class(MemorySource):
        async def list(
            self, queue: str, states: Collection[JobState], offset: int, limit: int | None
        ) -> Sequence[StoredJob]:
            found = (await super().list(queue, states, 0, None))[::-1]
            return found[offset : None if limit is None else offset + limit]
