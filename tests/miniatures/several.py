"""Wrong in company: what is only seen when several processes are at work."""

from __future__ import annotations

import logging
import os
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import anyio

from miniatures.base import Miniature, RedisMiniature
from nq_conformance.contract import JobCounts, JobInput, QueueEvent
from nq_reference.engine.pace import Pace
from nq_reference.engine.worker import QueueWorker
from nq_reference.event_reader import EventReader, EventSubscription, Happening
from nq_reference.job_source import Claim, ClaimedJob, EventListener, Exchange, NewJob, Outcome, Schedule
from nq_reference.providers.base import SourceProvider
from nq_reference.providers.memory import MemoryProvider
from nq_reference.schedule import Series
from nq_reference.sources.redis import RedisSource
from nq_reference.sources.redis.events import StreamedEvents, happening
from nq_reference.sources.redis.streams import EntryId, Stream
from nq_reference.sources.redis.watch import WakeWatch


class LooksBeforeItAdds(RedisMiniature):
    """Whether an id is there is asked first, and what is there by the time of the write is replaced.
    A lock keeps the calls of one process apart."""

    breaks, tells = "ENQ-09", "the jobs of `waiting` events"

    class provider_class(SourceProvider):
        def __init__(self, *args: Any, **parts: Any) -> None:
            super().__init__(*args, **parts)
            self.lock = anyio.Lock()

        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            id = getattr(job.opts, "job_id", None)
            if not isinstance(id, str):
                return await super().enqueue(queue_name, job)
            async with self.lock:
                if await self.get_job(queue_name, id) is not None:
                    return id
                await self.remove_job(queue_name, id)
                return await super().enqueue(queue_name, job)


class SelectsAndThenMarks(RedisMiniature):
    """A worker with a long backlog runs what it saw waiting, though another may have marked it meanwhile."""

    breaks, tells = "CON-06", "jobs that have run more than once"
    also, because = ("STL-09",), "two processes share a burst of jobs there as well"

    class source_class(RedisSource):
        async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            long = claim.want and (await self.counts(queue)).waiting > 100
            seen = await self.list(queue, {"waiting"}, 0, claim.want) if long else ()
            reply = await super().exchange(queue, outcomes, claim)
            mine = {job.id for job in reply.claimed}
            taken = []
            for job in seen:
                now = await self.get(queue, job.id) if job.id not in mine else None
                if now is not None and now.state == "active":
                    taken.append(ClaimedJob(job.id, job.name, job.data, job.opts, 0, claim.token))
            return replace(reply, claimed=[*reply.claimed, *taken])


class PausesItsOwnProcess(RedisMiniature):
    """Everybody sees that the queue is paused; the workers of this process alone heed it."""

    breaks, tells = "PAU-09", "after a pause in another process"
    also = ("PAU-08",)
    because = "a process that begins after the pause has not paused either"

    class source_class(RedisSource):
        held: ClassVar[set[str]] = set()

        def mark(self, queue: str) -> str:
            return f"{self._queue(queue).keys.base}:held"

        async def pause(self, queue: str) -> None:
            self.held.add(self.mark(queue))
            await super().pause(queue)
            await self._commands.set(self.mark(queue), 1)
            await self._commands.hdel(self._queue(queue).keys.meta, "paused")

        async def resume(self, queue: str) -> None:
            self.held.discard(self.mark(queue))
            await self._commands.delete(self.mark(queue))
            await super().resume(queue)

        async def is_paused(self, queue: str) -> bool:
            return bool(await self._commands.exists(self.mark(queue)))

        async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            if self.mark(queue) not in self.held:
                return await super().exchange(queue, outcomes, claim)
            return replace(await super().exchange(queue, outcomes, replace(claim, want=0)), due=())


class TellsItsOwnProcess(RedisMiniature):
    """Subscribers hear of jobs that were added or claimed in their own process."""

    breaks, tells = "EVT-12", "0: []"
    also = ("STL-03", "STL-04")
    because = "they go by events of jobs that another process has added"

    class source_class(RedisSource):
        own: ClassVar[set[str]] = set()

        async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
            self.own.update(job.id for job in jobs)
            return await super().add(queue, jobs)

        async def fire(self, queue: str, due: Schedule, next_at: int | None, job: NewJob) -> bool:
            self.own.add(job.id)
            return await super().fire(queue, due, next_at, job)

        def subscribe(self, queue: str, listener: EventListener) -> EventSubscription[EntryId]:
            def heard(event: QueueEvent, job_id: str | None, detail: str | int | None) -> None:
                if job_id is None or job_id in self.own:
                    listener(event, job_id, detail)

            return super().subscribe(queue, heard)


class ForgetsWhatCameMeanwhile(RedisMiniature):
    """After a reconnect the reader of events goes on with what is told from then on."""

    breaks, tells = "EVT-13", "most of which came during an outage"

    class source_class(RedisSource):
        def _meet(self, queue: str) -> Any:
            known = super()._meet(queue)
            stream = Stream(self._commands, self._blocking, known.keys.events)
            return replace(
                known, events=EventReader(Forgetful(stream, happening), queue, logging.getLogger())
            )


class Forgetful(StreamedEvents):
    """Drops what is older than its last reconnect."""

    deaf_until_ms = 0
    was_cut = False

    async def after(self, point: EntryId) -> tuple[EntryId, Sequence[Happening[EntryId]]]:
        if self.was_cut:
            self.deaf_until_ms, self.was_cut = int(time.time() * 1000), False
        try:
            point, found = await super().after(point)
        except Exception:
            self.was_cut = True
            raise
        return point, [each for each in found if each.point[0] >= self.deaf_until_ms]


class FiresInEachInstance(RedisMiniature):
    """Each process keeps the series for itself, and fires it."""

    breaks, tells = "SCH-11", "one run for each match of"

    class source_class(RedisSource):
        async def put_schedule(self, queue: str, schedule: Schedule) -> None:
            await super().put_schedule(queue, replace(schedule, id=self.own(schedule.id)))

        async def schedules(self, queue: str) -> Sequence[Schedule]:
            found = await super().schedules(queue)
            return [replace(each, id=each.id.partition("@")[0]) for each in found]

        async def remove_schedule(self, queue: str, id: str) -> bool:
            return await super().remove_schedule(queue, self.own(id))

        def own(self, id: str) -> str:
            return f"{id}@{os.getpid()}"


class ReadsPatternsInLocalTime(Miniature):
    """Without a zone of its own a series has that of the process."""

    breaks, tells = "SCH-12", "1 start of the handler of the series with hours of UTC"

    class provider_class(MemoryProvider):
        async def _put_series(self, queue_name: str, job: JobInput, series: Series) -> str:
            local = replace(series, tz=series.tz or os.environ.get("TZ"))
            return await super()._put_series(queue_name, job, local)


class CountsNothingInAnOutage(RedisMiniature):
    """A count that fails is zero."""

    breaks, tells = "CNT-05", "get_job_counts raises while the backend is away"

    class source_class(RedisSource):
        async def counts(self, queue: str) -> JobCounts:
            try:
                return await super().counts(queue)
            except Exception:
                return JobCounts()


class RemembersThePause(RedisMiniature):
    """Whether a queue is paused is asked once; then this process's own calls say."""

    breaks, tells = "DST-01", "after a pause elsewhere"

    class source_class(RedisSource):
        known: ClassVar[dict[str, bool]] = {}

        async def is_paused(self, queue: str) -> bool:
            key = self._queue(queue).keys.base
            if key not in self.known:
                self.known[key] = await super().is_paused(queue)
            return self.known[key]

        async def pause(self, queue: str) -> None:
            await super().pause(queue)
            self.known[self._queue(queue).keys.base] = True

        async def resume(self, queue: str) -> None:
            await super().resume(queue)
            self.known[self._queue(queue).keys.base] = False


class LooksEveryTwoSeconds(RedisMiniature):
    """Only what this process adds wakes its workers; for the rest they poll."""

    breaks, tells = "DST-02", "two of four jobs that came one by one"

    class worker_class(QueueWorker):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self._pace = Pace(self.queue, min(2_000, self.options.drain_delay_ms))

    class source_class(RedisSource):
        ears: ClassVar[dict[str, list[Callable[[], None]]]] = defaultdict(list)

        def watch(self, queue: str, notify: Callable[[], None]) -> WakeWatch:
            self.ears[self._queue(queue).keys.base].append(notify)
            watch = super().watch(queue, notify)
            watch.arm = lambda: None  # type: ignore[method-assign]
            return watch

        async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
            ids: Sequence[str] = await self.told(queue, super().add(queue, jobs))
            return ids

        async def resume(self, queue: str) -> None:
            await self.told(queue, super().resume(queue))

        async def put_schedule(self, queue: str, schedule: Schedule) -> None:
            await self.told(queue, super().put_schedule(queue, schedule))

        async def told(self, queue: str, change: Awaitable[Any]) -> Any:
            result = await change
            for notify in self.ears[self._queue(queue).keys.base]:
                notify()
            return result


class TakesItsOwnClockForTheTruth(RedisMiniature):
    """When a delayed job is due is told to the backend by the clock of who adds it."""

    breaks, tells = "DST-03", "delayed by a process whose clock is wrong"
    also, because = ("EVT-01",), "a delay of one millisecond is over by the time of the write"

    class source_class(RedisSource):
        async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
            ahead_ms = time.time() * 1000 - await self.now()
            late = [
                replace(job, delay=max(0, round(job.delay + ahead_ms))) if job.delay else job for job in jobs
            ]
            return await super().add(queue, late)


class LocksTheQueueWhileItRuns(RedisMiniature):
    """A process that runs jobs of a queue keeps it locked against the others until they have ended."""

    breaks, tells = "DST-05", "20 runs of the quick handler"
    also = ("CON-06", "STL-02")
    because = "they wait until a second process has a job while the first has one"

    class source_class(RedisSource):
        async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            lock = f"{self._queue(queue).keys.base}:lock"
            me = str(os.getpid())
            await self._commands.set(lock, me, nx=True, px=claim.lock_duration_ms)
            if await self._commands.get(lock) != me:
                return replace(await super().exchange(queue, outcomes, replace(claim, want=0)), next_in_ms=50)
            reply = await super().exchange(queue, outcomes, claim)
            if not (await self.counts(queue)).active:
                await self._commands.delete(lock)
            return reply


class KeepsAKeyWithoutTheTag(RedisMiniature):
    """When a queue was last added to is noted under a name without braces."""

    breaks, tells = "DST-04", "all keys hash to one slot"

    class source_class(RedisSource):
        async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
            await self._commands.set(f"{self._prefix.strip('{}')}:{queue}:last-added", 1)
            return await super().add(queue, jobs)


class SaysNothingOfEviction(RedisMiniature):
    """What the source has to say of the server is not written down."""

    breaks, tells = "DST-06", "a warning on stderr"

    class source_class(RedisSource):
        async def open(self) -> None:
            logging.getLogger("nq_reference.redis").setLevel(logging.CRITICAL)
            await super().open()
