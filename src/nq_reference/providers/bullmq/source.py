"""BullMQ's queues, asked and told in the verbs that a provider uses of a ``JobSource``.

No verbs of a worker: those are BullMQ's own, see ``bull_worker``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence

from nq_conformance.contract import ClosedError, JobCounts, JobState, QueueError
from nq_reference.job_source import EventListener, NewJob, Schedule, StoredJob
from nq_reference.providers.bullmq import reading, series
from nq_reference.providers.bullmq.connections import event_client, queue_client, require_redis
from nq_reference.providers.bullmq.jobs import JobMaker
from nq_reference.providers.bullmq.shared_queue import SharedQueue, Subscription

_IS_SCHEDULED = -8


class BullMQSource:
    """Queues of one server and prefix. Belongs to one asyncio event loop.

    Single jobs that are added at the same time share a round trip, and so do reads of single
    jobs. Errors of the client are raised as they are.
    """

    def __init__(self, url: str, *, prefix: str, event_stream_length: int) -> None:
        self.url = url
        self.prefix = prefix
        self._event_stream_length = event_stream_length
        self._commands = queue_client(url)
        self._blocking = event_client(url)
        self._queues: dict[str, SharedQueue] = {}
        self._jobs = JobMaker()
        self._opening = asyncio.Lock()
        self._opened = False
        self._closed = False

    # -- life ----------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect. Raises ``QueueError`` for a server that BullMQ can't use."""
        async with self._opening:
            if not self._opened:
                self._refuse_closed()
                await require_redis(self._commands)
                self._opened = True

    async def close(self) -> None:
        """Let go of connections and tasks. Idempotent."""
        self._closed = True
        await asyncio.gather(*(queue.close() for queue in self._queues.values()))
        await self._commands.aclose()
        await self._blocking.aclose()

    async def now(self) -> int:
        """This machine's time in epoch ms: BullMQ decides by the clocks of its clients."""
        return round(time.time() * 1000)

    # -- storing -------------------------------------------------------------------------

    async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
        """See ``JobSource.add``. Raises ``InvalidJobError`` for what BullMQ can't keep, before
        anything is stored."""
        known = self._queue(queue)
        made = [(self._jobs.make(known.bullmq, job), len(job.data)) for job in jobs]
        await known.settle()
        if len(made) == 1:
            return [await known.adds.submit(made[0])]
        if made:
            await known.add_all(made)
        return [str(job.id) for job, _ in made]

    async def remove(self, queue: str, id: str) -> bool:
        """See ``JobSource.remove``. Raises ``QueueError`` for the next run of a series."""
        known = await self._settled(queue)
        job = await self.get(queue, id)
        if job is None or job.state == "active":
            return False
        removed = await known.bullmq.remove(id)
        if removed == _IS_SCHEDULED:
            raise QueueError(
                f"job {id!r} on queue {queue!r} is the next run of a series, and BullMQ removes it only with "
                "the series: use remove_scheduled_job"
            )
        return bool(removed == 1)

    # -- asking --------------------------------------------------------------------------

    async def get(self, queue: str, id: str) -> StoredJob | None:
        """See ``JobSource.get``."""
        return await self._queue(queue).gets.submit(id)

    async def list(
        self, queue: str, states: Collection[JobState], offset: int, limit: int | None
    ) -> Sequence[StoredJob]:
        """See ``JobSource.list``."""
        return await reading.jobs_in(self._queue(queue).bullmq, states, offset, limit)

    async def counts(self, queue: str) -> JobCounts:
        """See ``JobSource.counts``."""
        return await reading.counts_of(self._queue(queue).bullmq)

    # -- pausing -------------------------------------------------------------------------

    async def pause(self, queue: str) -> None:
        """See ``JobSource.pause``."""
        known = await self._settled(queue)
        if not await known.bullmq.isPaused():  # BullMQ would tell of it again
            await known.bullmq.pause()

    async def resume(self, queue: str) -> None:
        """See ``JobSource.resume``."""
        known = await self._settled(queue)
        while int(await known.bullmq.resume() or 0) > 0:
            pass  # BullMQ moves a backlog that version 5 has set aside in parts

    async def is_paused(self, queue: str) -> bool:
        """See ``JobSource.is_paused``."""
        return bool(await self._queue(queue).bullmq.isPaused())

    # -- series --------------------------------------------------------------------------

    async def put_schedule(self, queue: str, schedule: Schedule) -> None:
        """See ``JobSource.put_schedule``. A Job Scheduler, which Node shows as such."""
        self._jobs.check(schedule)
        while not await self._has_put(queue, schedule):
            pass  # read again what it is now

    async def _has_put(self, queue: str, schedule: Schedule) -> bool:
        bullmq_queue = (await self._settled(queue)).bullmq
        known = next((s for s in await series.all_of(bullmq_queue) if s.id == schedule.id), None)
        if known is not None and await self._is_ended(queue, known):
            await bullmq_queue.removeJobScheduler(known.id)
            known = None
        return await series.put(bullmq_queue, schedule, known)

    async def schedules(self, queue: str) -> Sequence[Schedule]:
        """See ``JobSource.schedules``. Those that Node made are among them."""
        found = await series.all_of(self._queue(queue).bullmq)
        return [schedule for schedule in found if not await self._is_ended(queue, schedule)]

    async def remove_schedule(self, queue: str, id: str) -> bool:
        """See ``JobSource.remove_schedule``."""
        known = await self._settled(queue)
        return bool(await known.bullmq.removeJobScheduler(id) == 0)

    async def _is_ended(self, queue: str, schedule: Schedule) -> bool:
        """Whether the last run of a series has begun; BullMQ keeps its record all the same."""
        if schedule.limit is None or schedule.runs + 1 < schedule.limit:
            return False
        job = await self.get(queue, series.run_id(schedule.id, schedule.next_at))
        return job is None or job.state not in ("delayed", "waiting")

    # -- listening -----------------------------------------------------------------------

    def subscribe(self, queue: str, listener: EventListener) -> Subscription:
        """See ``JobSource.subscribe``."""
        return self._queue(queue).subscribe(listener)

    async def _settled(self, name: str) -> SharedQueue:
        """The queue, once none of its subscribers can miss what is done to it now."""
        queue = self._queue(name)
        await queue.settle()
        return queue

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ClosedError("this BullMQ provider is closed; make a new one to go on")

    def _queue(self, name: str) -> SharedQueue:
        self._refuse_closed()
        known = self._queues.get(name)
        if known is None:
            known = self._queues[name] = SharedQueue(
                name,
                prefix=self.prefix,
                commands=self._commands,
                blocking=self._blocking,
                event_stream_length=self._event_stream_length,
            )
        return known
