"""Wrong ways of taking in jobs."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import anyio

from miniatures.base import Miniature
from nq_conformance.contract import Backoff, InvalidJobError, Job, JobInput, JobOptions
from nq_reference import background
from nq_reference.job_source import Claim, ClaimedJob, NewJob, Outcome
from nq_reference.providers.memory import MemoryProvider
from nq_reference.sources.memory import JobRecord, MemoryQueue, MemorySource

NUL = re.compile(r"(?<!\\)\\u0000")
"""NUL in JSON text."""


class ReturnsBeforeTheWrite(Miniature):
    """enqueue returns first and stores afterwards."""

    breaks, tells = "ENQ-02", "get_job finds the job"

    class source_class(MemorySource):
        async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
            store = super().add

            async def later() -> None:
                await store(queue, jobs)

            background.spawn(later, "write behind")
            return [job.id for job in jobs]


class ReturnsAnIdOfItsOwn(Miniature):
    """enqueue returns a backend's id instead of the job_id given."""

    breaks, tells = "ENQ-05", "enqueue returns the job_id"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            id = await super().enqueue(queue_name, job)
            given = job.opts is not None and job.opts.job_id is not None
            return uuid.uuid4().hex if given else id


class KnowsOnlyUnfinishedIds(Miniature):
    """The job_id of a finished job is taken as new."""

    breaks, tells = "ENQ-06", "of the completed job after a second enqueue"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            known = self.jobs.get(new.id)
            if known is not None and known.state in ("completed", "failed"):
                self.remove(known)
            super().add(new)


class TellsOfRepeatsWhileAJobRuns(Miniature):
    """A second enqueue with the id of a running job stores nothing, and is told all the same."""

    breaks, tells = "ENQ-06", "of a job that was enqueued again while it ran"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            known = self.jobs.get(new.id)
            if known is not None and known.state == "active":
                self.emit("waiting", new.id, None)
            super().add(new)


class TurnsEmptyListsIntoObjects(Miniature):
    """As a payload does that goes through Lua's cjson."""

    breaks, tells = "ENQ-11", "data is []"
    also = ("EVT-03",)
    because = "a handler that returns what it was given is given the wrong thing"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            super().add(replace(new, data=new.data.replace("[]", "{}")))


class NumbersJobsWithTwelveBits(Miniature):
    """Automatic ids come from a counter that starts anew after 4096 jobs."""

    breaks, tells = "ENQ-01", "10000 calls return 10000 different ids"
    also = ("EVT-11",)
    because = "a burst of 10 000 jobs is needed there as well"

    class provider_class(MemoryProvider):
        last = 0

        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            if job.opts is None or job.opts.job_id is None:
                self.last = (self.last + 1) % 4096
                job = with_options(job, job_id=f"auto-{self.last}")
            return await super().enqueue(queue_name, job)


class RacesForTheNextId(Miniature):
    """There is an await between reading the last id and writing the next."""

    breaks, tells = "ENQ-01", "10000 calls return 10000 different ids"
    also = ("EVT-08", "EVT-11")
    because = "jobs are enqueued at the same time there as well"

    class provider_class(MemoryProvider):
        last = 0

        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            if job.opts is None or job.opts.job_id is None:
                known = self.last
                await anyio.lowlevel.checkpoint()
                self.last = known + 1
                job = with_options(job, job_id=f"auto-{known + 1}")
            return await super().enqueue(queue_name, job)


class WantsAWorker(Miniature):
    """A job for a queue that no worker has been registered for is refused, once one has been elsewhere."""

    breaks, tells = "ENQ-03", "No worker registered"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            workers = {queue for manager in self._managers for queue in manager._workers}
            if workers and queue_name not in workers:
                raise RuntimeError(f"No worker registered for queue {queue_name}")
            return await super().enqueue(queue_name, job)


class StoresBeforeItLooks(Miniature):
    """A job whose payload can't be encoded is stored all the same, before the error is raised."""

    breaks, tells = "ENQ-04", "jobs left behind by an enqueue with NaN"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            try:
                return await super().enqueue(queue_name, job)
            except InvalidJobError as error:
                if str(error).startswith("data"):
                    await super().enqueue(queue_name, replace(job, data=None))
                raise


class TellsOfJobsThatItRefuses(Miniature):
    """`waiting` is emitted first; then the payload turns out to be impossible."""

    breaks, tells = "ENQ-04", "events after NaN"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            try:
                return await super().enqueue(queue_name, job)
            except InvalidJobError as error:
                if str(error).startswith("data") and job.opts is not None:
                    self._source.queue(queue_name).emit("waiting", job.opts.job_id, None)  # type: ignore[attr-defined]
                raise


class KeepsOneMapOfIds(Miniature):
    """A job_id that another queue has is taken for a duplicate."""

    breaks, tells = "ENQ-07", "get_job finds the job 'order-17'"

    class source_class(MemorySource):
        async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
            others = [q for name, q in self._queues.items() if name != queue]
            fresh = [job for job in jobs if not any(job.id in other.jobs for other in others)]
            await super().add(queue, fresh)
            return [job.id for job in jobs]


class JoinsQueueAndIdWithAColon(Miniature):
    """A job's key is `queue:id`, so that job `c` of `a:b` and job `b:c` of `a` are one."""

    breaks, tells = "ENQ-07", "data of the job 'b:c' on the queue"

    class provider_class(MemoryProvider):
        async def get_job(self, queue_name: str, id: str) -> Job | None:
            for name, queue in self._source._queues.items():  # type: ignore[attr-defined]
                for known in queue.jobs:
                    if f"{name}:{known}" == f"{queue_name}:{id}":
                        return await super().get_job(name, known)
            return await super().get_job(queue_name, id)


class KeepsATombstone(Miniature):
    """The id of a job that was removed stays taken."""

    breaks, tells = "ENQ-08", "enqueued after a job of that id was removed"

    class queue_class(MemoryQueue):
        def __init__(self) -> None:
            super().__init__()
            self.removed: set[str] = set()

        def remove(self, job: Any) -> None:
            self.removed.add(job.id)
            super().remove(job)

        def add(self, new: NewJob) -> None:
            if new.id not in self.removed:
                super().add(new)


class KeepsTheCallersObject(Miniature):
    """get_job returns the very object that was enqueued."""

    breaks, tells = "ENQ-10", "whose dict was changed afterwards"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            id = job.opts.job_id if job.opts is not None else None
            known = id is not None and await super().get_job(queue_name, id) is not None
            id = await super().enqueue(queue_name, job)
            if not known:
                live_objects(self)[queue_name, id] = job.data
            return id

        async def get_job(self, queue_name: str, id: str) -> Job | None:
            job = await super().get_job(queue_name, id)
            live = live_objects(self)
            return job and replace(job, data=live.get((queue_name, id), job.data))


class HandsOutItsOwnData(Miniature):
    """All who ask for a job are given the same object as its data."""

    breaks, tells = "ENQ-10", "after readers changed what they were given"

    class provider_class(MemoryProvider):
        async def get_job(self, queue_name: str, id: str) -> Job | None:
            job = await super().get_job(queue_name, id)
            return job and replace(job, data=live_objects(self).setdefault((queue_name, id), job.data))


class KeepsItsFieldsInThePayload(Miniature):
    """`__queueName` is the adapter's own: it is put into the payload, and taken out again."""

    breaks, tells = "ENQ-12", "the job's data is {'__queueName'"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            data = json.loads(new.data)
            if isinstance(data, dict) and data.pop("__queueName", None) is not None:
                new = replace(new, data=json.dumps(data))
            super().add(new)


class TakesOptionsFromThePayload(Miniature):
    """A payload's `attempts` counts like the option of that name."""

    breaks, tells = "ENQ-12", "of a job whose payload names them all"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            attempts = job.data.get("attempts") if isinstance(job.data, dict) else None
            if type(attempts) is int and attempts > 0 and job.opts is None:
                job = with_options(job, attempts=attempts)
            return await super().enqueue(queue_name, job)


class DropsNul(Miniature):
    """NUL is accepted, and cut out."""

    breaks, tells = "ENQ-13", "\\x00"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            super().add(replace(new, data=NUL.sub("", new.data)))


class CannotSaveNulAgain(Miniature):
    """A job with NUL in its payload is accepted, and its end can't be written."""

    breaks, tells = "ENQ-13", "becomes completed"

    class queue_class(MemoryQueue):
        def end(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            if NUL.search(job.data):
                self.delay(job, "retry", now + 20)  # at once would be a loop that starves the machine
            else:
                super().end(job, outcome, now)


class RoundsLargeIntegers(Miniature):
    """Numbers are doubles on the way."""

    breaks, tells = "ENQ-14", "9007199254740993"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            data = json.loads(
                new.data, parse_int=lambda digits: int(digits) if len(digits) < 16 else rounded(digits)
            )
            super().add(replace(new, data=json.dumps(data)))


class TurnsNaNIntoNull(Miniature):
    """As JavaScript's JSON does."""

    breaks, tells = "ENQ-14", "enqueue with NaN as payload raises"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            if isinstance(job.data, float) and job.data != job.data:
                job = replace(job, data=None)
            return await super().enqueue(queue_name, job)


class CutsLongText(Miniature):
    """A text column of 64 KiB cuts what is longer."""

    breaks, tells = "ENQ-15", "(65537 characters)"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            if isinstance(job.data, str):
                job = replace(job, data=job.data[:65_535])
            return await super().enqueue(queue_name, job)


class FailsLargeJobsInTheWorker(Miniature):
    """A payload beyond half a mebibyte is accepted, and is too large for the worker."""

    breaks, tells = "ENQ-15", "3 runs of the handler"

    class queue_class(MemoryQueue):
        def claim(self, claim: Claim, now: int) -> list[ClaimedJob]:
            claimed = super().claim(claim, now)
            for job in claimed:
                if len(job.data) > 2**19:
                    self.finish(Outcome(job.id, job.token, "fail", "message too large"), now)
            return [job for job in claimed if len(job.data) <= 2**19]


class AcceptsUnknownBackoffs(Miniature):
    """A backoff's type is looked at when a job is retried, and not before."""

    breaks, tells = "ENQ-16", "enqueue with the backoff type"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            backoff = job.opts.backoff if job.opts is not None else None
            if backoff is not None and backoff.type not in ("fixed", "exponential"):
                job = with_options(job, backoff=Backoff("fixed", backoff.delay))
            return await super().enqueue(queue_name, job)


class TakesTextForANumber(Miniature):
    """A delay of "10" is ten milliseconds."""

    breaks, tells = "ENQ-16", "enqueue with a delay of '10' raises"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            if job.opts is not None and isinstance(job.opts.delay, str) and job.opts.delay.isdigit():
                job = with_options(job, delay=int(job.opts.delay))
            return await super().enqueue(queue_name, job)


def with_options(job: JobInput, **changes: Any) -> JobInput:
    """The job with some of its options changed."""
    return replace(job, opts=replace(job.opts or JobOptions(), **changes))


def live_objects(provider: Any) -> dict[tuple[str, str], Any]:
    """Data by queue and id, kept with the provider."""
    objects: dict[tuple[str, str], Any] = provider.__dict__.setdefault("live_objects", {})
    return objects


def rounded(digits: str) -> int:
    """The whole number nearest to it that a double can hold; itself beyond all doubles."""
    return int(float(digits)) if len(digits) < 300 else int(digits)


class StoresUpToTheBadOne(Miniature):
    """Jobs of one call are checked and stored one after the other."""

    breaks, tells = "ENQ-17", "jobs of the queue after a call with a payload that JSON can't hold"

    class provider_class(MemoryProvider):
        async def enqueue_many(self, queue_name: str, jobs: Sequence[JobInput]) -> Sequence[str]:
            return [await self.enqueue(queue_name, job) for job in jobs]


class LeavesARemovedJobInItsCount(Miniature):
    """What is removed by hand is counted ever after."""

    breaks, tells = "ENQ-18", "jobs that are counted, after a waiting job was removed"

    class source_class(MemorySource):
        async def remove(self, queue: str, id: str) -> bool:
            job = self.queue(queue).jobs.get(id)
            counted = job.state if job is not None and job.state == "waiting" else None
            removed = await super().remove(queue, id)
            if removed and counted is not None:
                self.queue(queue).counts[counted] += 1
            return removed
