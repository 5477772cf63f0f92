"""One BullMQ queue that a provider has met: its handle, its events, and who else uses it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from bullmq import Queue
from redis.asyncio import Redis

from nq_reference.batcher import Batcher
from nq_reference.event_reader import EventReader, EventSubscription
from nq_reference.job_source import EventListener, StoredJob
from nq_reference.providers.bullmq import reading
from nq_reference.providers.bullmq.events import happening
from nq_reference.providers.bullmq.limits import check_queue
from nq_reference.sources.redis.events import StreamedEvents
from nq_reference.sources.redis.streams import EntryId, Stream

logger = logging.getLogger("nq_reference.bullmq")
_EVENT_LENGTH = "opts.maxLenEvents"
_VERSION = re.compile(r"bullmq[a-z-]*:([0-9]+)")
_FIRST_SAFE_VERSION = 6
WeighedJob: TypeAlias = tuple[Any, int]
"""A BullMQ job, and how long its payload is."""


class SharedQueue:
    """A queue and the reader of its events. Raises ``InvalidJobError`` for a name that BullMQ
    does not take."""

    def __init__(
        self, name: str, *, prefix: str, commands: Redis, blocking: Redis, event_stream_length: int
    ) -> None:
        self.bullmq = Queue(check_queue(name), {"connection": commands, "prefix": prefix})
        self._meta: str = self.bullmq.keys["meta"]
        self._commands = commands
        self._event_stream_length = event_stream_length
        stream = Stream(commands, blocking, self.bullmq.keys["events"])
        self._events = EventReader(StreamedEvents(stream, happening), name, logger)
        self.adds: Batcher[WeighedJob, str] = Batcher(self.add_all, weigh=lambda job: job[1])
        self.gets: Batcher[str, StoredJob | None] = Batcher(self._get_all)
        self._settling = asyncio.Lock()
        self._listened = False
        self._widened = False
        self._looked_at = False

    def subscribe(self, listener: EventListener) -> Subscription:
        """See ``JobSource.subscribe``. Events of other processes are seen as well (EVT-12)."""
        self._listened = True
        return Subscription(self, self._events.subscribe(listener))

    async def add_all(self, jobs: Sequence[WeighedJob]) -> list[str]:
        """Add all of ``jobs``, or none; returns their ids."""
        made = [job for job, _ in jobs]
        if len(made) == 1:
            return [str(await self.bullmq.backend.addJob(made[0]))]
        return [str(id_) for id_ in await self.bullmq.backend.addJobs(made)]

    async def settle(self) -> None:
        """Return once none of the subscribers can miss what is done to the queue now (EVT-10).

        Costs nothing when that is so already.
        """
        await self._events.settle()
        if self._looked_at and (self._widened or not self._listened):
            return
        async with self._settling:
            if not self._looked_at:
                await self._look_at()
                self._looked_at = True
            if self._listened and not self._widened:
                await self._widen()
                self._widened = True

    async def close(self) -> None:
        """End what reads the events, once what is being added has got its answer. The
        connections are the provider's."""
        await asyncio.gather(self.adds.close(), self.gets.close(), self._events.close())

    async def _get_all(self, ids: Sequence[str]) -> list[StoredJob | None]:
        return await reading.jobs_by_id(self._commands, self.bullmq, ids)

    async def _widen(self) -> None:
        """Have the stream keep enough events for a subscriber that is behind (EVT-11)."""
        length = await self._commands.hget(self._meta, _EVENT_LENGTH)
        if length is None or int(length) < self._event_stream_length:
            await self._commands.hset(self._meta, _EVENT_LENGTH, str(self._event_stream_length))

    async def _look_at(self) -> None:
        """Warn of a Node application that can lose what others add to a paused queue."""
        told = str(await self._commands.hget(self._meta, "version") or "")
        version = _VERSION.match(told)
        if version and int(version[1]) < _FIRST_SAFE_VERSION:
            logger.warning(
                "queue %r is used by a Node application with %s: when that resumes the queue, it drops the "
                "jobs that other than its own version added or retried meanwhile. Have it use BullMQ 6, or "
                "resume the queue from here",
                self.bullmq.name,
                told,
            )


class Subscription:
    """A listener's place in a queue's events, in a stream that is long enough."""

    def __init__(self, queue: SharedQueue, place: EventSubscription[EntryId]) -> None:
        self._queue = queue
        self._place = place
        self._closed = False

    async def ready(self) -> None:
        """Return once no later event can be missed, or it is closed."""
        await self._place.ready()
        if not self._closed:
            await self._queue.settle()

    def close(self) -> None:
        """End it, at once and idempotently."""
        self._closed = True
        self._place.close()
