"""The Redis backend: each verb of a ``JobSource`` is one call of the script of that name."""

from __future__ import annotations

import asyncio
import builtins
import functools
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from nq_conformance.contract import ClosedError, JobCounts, JobState
from nq_reference.batcher import Batcher
from nq_reference.event_reader import EventReader, EventSubscription
from nq_reference.job_source import (
    Claim,
    EventListener,
    Exchange,
    JobSource,
    NewJob,
    Outcome,
    Schedule,
    StoredJob,
)
from nq_reference.sources.redis import records, scripts
from nq_reference.sources.redis.connections import (
    BLOCK_MS,
    ClientCalls,
    blocking_client,
    command_client,
    lean_link,
    warn_of_eviction,
)
from nq_reference.sources.redis.events import StreamedEvents, happening
from nq_reference.sources.redis.keys import QueueKeys
from nq_reference.sources.redis.streams import EntryId, Stream
from nq_reference.sources.redis.watch import WakeWatch

_STORED_STATES: tuple[JobState, ...] = ("active", "completed", "delayed", "failed", "waiting")
_MAX_NUMBER = 2**53  # what a script can count to; offsets and limits beyond mean no less
_log = logging.getLogger("nq_reference.redis")


@dataclass(frozen=True, slots=True)
class _Queue:
    """What the source keeps for a queue that it has met."""

    keys: QueueKeys
    adds: Batcher[records.JobArguments, None]
    gets: Batcher[str, StoredJob | None]
    events: EventReader[EntryId]


class RedisSource:
    """Jobs in a Redis or Valkey server, from version 6.2 on.

    - ``url``: where it is, as redis-py takes it; its query may set ``protocol=2`` or ``3``.
    - ``prefix``: the namespace; sources of one prefix and database share their queues (LIFE-09).
    - ``event_stream_length``: how many events a queue's stream keeps, about. A subscriber that
      is further behind than that misses some.
    - ``timeout_ms``: how long a call waits for the server before it raises (FLT-01).
    - ``max_connections``: for commands; watches and subscriptions have one each beside them.

    Single jobs that are added at the same time share a round trip, and so do reads of single
    jobs. Errors of the client are raised as they are. Belongs to one asyncio event loop.
    """

    def __init__(
        self,
        url: str = "redis://127.0.0.1:6379/0",
        *,
        prefix: str = "nq",
        event_stream_length: int = 100_000,
        timeout_ms: int = 5_000,
        max_connections: int = 16,
    ) -> None:
        self.twin: Callable[[], JobSource] | None = functools.partial(
            type(self),
            url,
            prefix=prefix,
            event_stream_length=event_stream_length,
            timeout_ms=timeout_ms,
            max_connections=1,
        )
        self._prefix = prefix
        self._event_stream_length = event_stream_length
        self._commands = command_client(url, timeout_ms, max_connections)
        self._url = url
        self._timeout_ms = timeout_ms
        self._link = lean_link(url, timeout_ms)
        self._execute = self._link.execute if self._link else self._commands.execute_command
        self._blocking = blocking_client(url, timeout_ms)
        self._queues: dict[str, _Queue] = {}
        self._watches: list[WakeWatch] = []
        self._opening = asyncio.Lock()
        self._opened = False
        self._closed = False

    async def open(self) -> None:
        """See ``JobSource.open``. Raises when the server does not answer."""
        async with self._opening:
            if not self._opened:
                self._refuse_closed()
                await self._commands.ping()
                await warn_of_eviction(self._commands)
                self._opened = True

    async def close(self) -> None:
        """See ``JobSource.close``. What is being added gets its answer first, within ``timeout_ms``."""
        self._closed = True
        parts = [part for queue in self._queues.values() for part in (queue.adds, queue.gets, queue.events)]
        await asyncio.gather(*(part.close() for part in (*parts, *self._watches)))
        if self._link is not None:
            await self._link.close()
        await self._commands.aclose()
        await self._blocking.aclose()

    async def now(self) -> int:
        """See ``JobSource.now``."""
        self._refuse_closed()
        seconds, microseconds = await self._commands.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
        """See ``JobSource.add``.

        Several jobs go in a call of their own, a single one with whatever else is being added.
        Calls that are not awaited one after the other are not ordered among each other.
        """
        known = await self._settled(queue)
        arguments = [records.job_arguments(job) for job in jobs]
        if len(arguments) == 1:
            await known.adds.submit(arguments[0])
        elif arguments:
            await self._add_all(known.keys, arguments)
        return [job.id for job in jobs]

    async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
        """See ``JobSource.exchange``."""
        known = await self._settled(queue)
        wish = (claim.want, claim.token, claim.lock_duration_ms, claim.max_stalled_count)
        ended = (argument for outcome in outcomes for argument in records.outcome_arguments(outcome))
        return records.exchange_of(await self._run("exchange", known.keys, *wish, *ended), claim.token)

    async def extend_locks(
        self, queue: str, held: Sequence[tuple[str, str]], lock_duration_ms: int
    ) -> Sequence[str]:
        """See ``JobSource.extend_locks``."""
        pairs = (part for pair in held for part in pair)
        lost: Sequence[str] = await self._run(
            "extend_locks", self._queue(queue).keys, lock_duration_ms, *pairs
        )
        return lost

    async def get(self, queue: str, id: str) -> StoredJob | None:
        """See ``JobSource.get``."""
        return await self._queue(queue).gets.submit(id)

    async def list(
        self, queue: str, states: Collection[JobState], offset: int, limit: int | None
    ) -> Sequence[StoredJob]:
        """See ``JobSource.list``. No job here is ever ``paused``; no states give no jobs."""
        wanted = [state for state in _STORED_STATES if state in states]
        keys = self._queue(queue).keys
        if not wanted:
            return []
        page = (min(offset, _MAX_NUMBER), -1 if limit is None else min(limit, _MAX_NUMBER))
        named = () if len(wanted) == len(_STORED_STATES) else tuple(wanted)
        rows = await self._run("list", keys, *page, *named) if limit != 0 else ()
        return [records.stored_job(row) for row in rows]

    async def counts(self, queue: str) -> JobCounts:
        """See ``JobSource.counts``. On a held queue, too, jobs are ``waiting`` (question 4)."""
        active, completed, failed, delayed, waiting = await self._run("counts", self._queue(queue).keys)
        return JobCounts(active, completed, failed, delayed, waiting)

    async def pause(self, queue: str) -> None:
        """See ``JobSource.pause``."""
        await self._run("pause", (await self._settled(queue)).keys)

    async def resume(self, queue: str) -> None:
        """See ``JobSource.resume``."""
        await self._run("resume", (await self._settled(queue)).keys)

    async def is_paused(self, queue: str) -> bool:
        """See ``JobSource.is_paused``."""
        return bool(await self._commands.hexists(self._queue(queue).keys.meta, "paused"))

    async def remove(self, queue: str, id: str) -> bool:
        """See ``JobSource.remove``."""
        return bool(await self._run("remove", (await self._settled(queue)).keys, id))

    async def put_schedule(self, queue: str, schedule: Schedule) -> None:
        """See ``JobSource.put_schedule``."""
        keys = (await self._settled(queue)).keys
        await self._run("put_schedule", keys, *records.schedule_arguments(schedule))

    async def schedules(self, queue: str) -> Sequence[Schedule]:
        """See ``JobSource.schedules``."""
        return [records.schedule_of(row) for row in await self._run("schedules", self._queue(queue).keys)]

    async def remove_schedule(self, queue: str, id: str) -> bool:
        """See ``JobSource.remove_schedule``."""
        return bool(await self._run("remove_schedule", self._queue(queue).keys, id))

    async def fire(self, queue: str, due: Schedule, next_at: int | None, job: NewJob) -> bool:
        """See ``JobSource.fire``."""
        keys = (await self._settled(queue)).keys
        run = (due.id, due.next_at, "" if next_at is None else next_at)
        return bool(await self._run("fire", keys, *run, *records.job_arguments(job)))

    def watch(self, queue: str, notify: Callable[[], None]) -> WakeWatch:
        """See ``JobSource.watch``. It waits on a connection of its own while it is armed."""
        # Not retried: after a break the worker must look for itself.
        link = lean_link(self._url, BLOCK_MS + self._timeout_ms, retried=False)
        calls = link or ClientCalls(self._blocking)
        watch = WakeWatch(calls, self._queue(queue).keys.wake, notify)
        self._watches = [each for each in self._watches if not each.closed] + [watch]
        return watch

    def subscribe(self, queue: str, listener: EventListener) -> EventSubscription[EntryId]:
        """See ``JobSource.subscribe``. Events of other processes are seen as well (EVT-12)."""
        return self._queue(queue).events.subscribe(listener)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ClosedError("this RedisSource is closed; make a new one to go on")

    def _queue(self, queue: str) -> _Queue:
        self._refuse_closed()
        known = self._queues.get(queue)
        if known is None:
            known = self._queues[queue] = self._meet(queue)
        return known

    def _meet(self, queue: str) -> _Queue:
        keys = QueueKeys.of(self._prefix, queue)
        stream = Stream(self._commands, self._blocking, keys.events)

        async def add_all(batch: Sequence[records.JobArguments]) -> Sequence[None]:
            return await self._add_all(keys, batch)

        async def get_all(ids: Sequence[str]) -> Sequence[StoredJob | None]:
            rows = await self._run("get", keys, *ids)
            return [None if row is None else records.stored_job(row) for row in rows]

        return _Queue(
            keys,
            Batcher(add_all, weigh=lambda arguments: len(arguments[2])),
            Batcher(get_all),
            EventReader(StreamedEvents(stream, happening), queue, _log),
        )

    async def _settled(self, queue: str) -> _Queue:
        """The queue, once none of its subscribers can miss what is done to it now."""
        known = self._queue(queue)
        await known.events.settle()
        return known

    async def _add_all(self, keys: QueueKeys, jobs: Sequence[records.JobArguments]) -> builtins.list[None]:
        await self._run("add", keys, *(argument for job in jobs for argument in job))
        return [None] * len(jobs)

    async def _run(self, verb: str, keys: QueueKeys, *args: scripts.Argument) -> Any:
        return await scripts.run(self._execute, verb, keys.base, self._event_stream_length, *args)
