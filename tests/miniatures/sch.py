"""Wrong delays and series."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from miniatures.base import Miniature
from nq_conformance.contract import InvalidScheduleError, JobInput, ScheduleOptions
from nq_reference.job_source import NewJob, Outcome, Schedule
from nq_reference.providers.memory import MemoryProvider
from nq_reference.schedule import Series, next_run
from nq_reference.sources.memory import MemoryQueue, MemorySource
from nq_reference.sources.memory.queue import JobRecord


class ReturnsAPlaceholder(Miniature):
    """schedule returns an id of its own where the job was given one."""

    breaks, tells = "SCH-02", "schedule returns the job_id given"

    class provider_class(MemoryProvider):
        async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
            id = await super().schedule(queue_name, job, opts)
            own = job.opts is not None and job.opts.job_id is not None
            return uuid.uuid4().hex if own and opts is not None and opts.delay else id


class DelaysByWholeSeconds(Miniature):
    """Milliseconds are cut off."""

    breaks, tells = "SCH-03", "a job with a delay of 250 ms starts no earlier"
    also, because = ("EVT-01",), "a job with a short delay is never delayed, and its event can't say so"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            super().add(replace(new, delay=new.delay // 1000 * 1000))


class RunsASeriesAtOnce(Miniature):
    """The first run does not wait for the first match."""

    breaks, tells = "SCH-08", "the first run starts at the next match"
    also = ("SCH-16", "SCH-17")
    because = "the series is listed with a run that is due at once, and a removed one has had it by then"

    class source_class(MemorySource):
        async def put_schedule(self, queue: str, schedule: Schedule) -> None:
            await super().put_schedule(queue, replace(schedule, next_at=await self.now()))


class RefusesEmptyOptions(Miniature):
    """Options that say nothing are an error."""

    breaks, tells = "SCH-01", "the call succeeds"

    class provider_class(MemoryProvider):
        async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
            if opts == ScheduleOptions():
                raise InvalidScheduleError("give a delay or a pattern")
            return await super().schedule(queue_name, job, opts)


class ForgetsTheJobsDelay(Miniature):
    """schedule without options ignores the delay among those of the job."""

    breaks, tells = "SCH-01", "state is 'waiting', with enqueue 'delayed'"

    class provider_class(MemoryProvider):
        async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
            if opts is None:
                opts = ScheduleOptions(delay=0)
            return await super().schedule(queue_name, job, opts)


class CutsDelaysTo32Bits(Miniature):
    """A long delay overflows and is a short one."""

    breaks, tells = "SCH-04", "'delayed'"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            signed = (new.delay + 2**31) % 2**32 - 2**31
            super().add(replace(new, delay=max(0, signed)))


class ForgetsTheBackoffOfAScheduledJob(Miniature):
    """schedule with a delay has a way of its own to store a job, which keeps less."""

    breaks, tells = "SCH-05", "opts.backoff is None, with enqueue"

    class provider_class(MemoryProvider):
        async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
            if opts is not None and opts.delay and job.opts is not None:
                job = replace(job, opts=replace(job.opts, backoff=None))
            return await super().schedule(queue_name, job, opts)


class RunsWhatItCannotSchedule(Miniature):
    """A pattern that it can't read is ignored, and the job runs now."""

    breaks, tells = "SCH-07", "raises"

    class provider_class(MemoryProvider):
        async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
            try:
                return await super().schedule(queue_name, job, opts)
            except InvalidScheduleError:
                return await self.enqueue(queue_name, job)


class WaitsFor30February(Miniature):
    """Each field of a pattern is checked for itself."""

    breaks, tells = "SCH-07", "30 2"

    class provider_class(MemoryProvider):
        async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
            try:
                return await super().schedule(queue_name, job, opts)
            except InvalidScheduleError:
                minute, hour, day, _, weekday = ((opts and opts.cron) or "").split()
                next_run(f"{minute} {hour} {day} * {weekday}", None, 0)
                return "cron-never"


class FiresEachMatchTwice(Miniature):
    """A match makes two jobs."""

    breaks, tells = "SCH-08", "one run for each match"
    also = ("SCH-10", "SCH-17")
    because = "two jobs for one match look like two series, and like one that was removed and runs on"

    class source_class(MemorySource):
        async def fire(self, queue: str, due: Schedule, next_at: int | None, job: NewJob) -> bool:
            self.queue(queue).add(replace(job, id=f"{job.id}-again"))
            return await super().fire(queue, due, next_at, job)


class RunsOnceMoreThanTheLimit(Miniature):
    """The run that reaches the limit plans another."""

    breaks, tells = "SCH-09", "runs of a series with limit 1, after three matches: 1"

    class source_class(MemorySource):
        async def put_schedule(self, queue: str, schedule: Schedule) -> None:
            limit = None if schedule.limit is None else schedule.limit + 1
            await super().put_schedule(queue, replace(schedule, limit=limit))


class KeysSeriesByNameAlone(Miniature):
    """A second pattern replaces the first."""

    breaks, tells = "SCH-10", "three ids for three series of a queue"

    class provider_class(MemoryProvider):
        async def _put_series(self, queue_name: str, job: JobInput, series: Series) -> str:
            known = await self.get_scheduled_jobs(queue_name)
            same = next((s for s in known if s.name == job.name), None)
            return same.id if same else await super()._put_series(queue_name, job, series)


class AddsASeriesWithEveryDeployment(Miniature):
    """The identical series given again is one more."""

    breaks, tells = "SCH-10", "that was given twice: 1 so far"

    class source_class(MemorySource):
        async def put_schedule(self, queue: str, schedule: Schedule) -> None:
            if schedule.id in self.queue(queue).schedules:
                schedule = replace(schedule, id=uuid.uuid4().hex)
            await super().put_schedule(queue, schedule)


class EndsASeriesThatFails(Miniature):
    """The next run is planned on success only."""

    breaks, tells = "SCH-13", "2 starts of the handler that fails"

    class queue_class(MemoryQueue):
        def end(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            if outcome.kind == "fail":
                self.schedules = {id: s for id, s in self.schedules.items() if s.name != job.name}
            super().end(job, outcome, now)


class WorksOffEveryMissedMatch(Miniature):
    """The next run is planned from the one before, however long ago that was."""

    breaks, tells = "SCH-14", "one run for all missed matches together"

    class source_class(MemorySource):
        async def fire(self, queue: str, due: Schedule, next_at: int | None, job: NewJob) -> bool:
            if next_at is not None:
                next_at = next_run(due.pattern, due.tz, due.next_at)
            return await super().fire(queue, due, next_at, job)


class ListsTheNextRunInSeconds(Miniature):
    """next_at is in epoch seconds."""

    breaks, tells = "SCH-16", "next_at of '0 0 1 1 *'"

    class source_class(MemorySource):
        async def schedules(self, queue: str) -> Sequence[Schedule]:
            series = await super().schedules(queue)
            return [replace(each, next_at=each.next_at // 1000) for each in series]


class TakesASeriesFromTheListAlone(Miniature):
    """A removed series is listed no more, but goes on."""

    breaks, tells = "SCH-17", "after the series was removed"

    class source_class(MemorySource):
        def __init__(self) -> None:
            super().__init__()
            self.removed: set[tuple[str, str]] = set()

        async def remove_schedule(self, queue: str, id: str) -> bool:
            known = id in self.queue(queue).schedules and (queue, id) not in self.removed
            self.removed.add((queue, id))
            return known
