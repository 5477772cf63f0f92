"""The Postgres backend: each verb of a ``JobSource`` is one statement of that name, in one round trip."""

from __future__ import annotations

import asyncio
import builtins
import functools
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
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
from nq_reference.sources.postgres import records
from nq_reference.sources.postgres.connections import Access, Connections
from nq_reference.sources.postgres.events import QueueEvents
from nq_reference.sources.postgres.listener import Listener, Rhythm
from nq_reference.sources.postgres.migrations import migrate
from nq_reference.sources.postgres.statements import Statements
from nq_reference.sources.postgres.watch import QueueWatch

_STORED_STATES: tuple[JobState, ...] = ("active", "completed", "delayed", "failed", "waiting")
_log = logging.getLogger("nq_reference.postgres")


@dataclass(frozen=True, slots=True)
class _Queue:
    """What the source keeps for a queue that it has met."""

    adds: Batcher[records.JobArguments, None]
    gets: Batcher[str, StoredJob | None]
    events: EventReader[int]


@dataclass(frozen=True, slots=True)
class PostgresOptions:
    """How a source works with its server.

    - ``timeout_ms``: how long a call waits for the server before it raises (FLT-01).
    - ``max_connections``: for calls; one more listens, once there is a worker or a subscriber.
    - ``listen``, ``statement_cache_size``: False and 0 behind a pooler that gives a connection to
      somebody else after each transaction (PgBouncer in transaction mode): LISTEN means nothing
      there, nor do prepared statements. New work and events are then found by a poll.
    - ``poll_ms``: how often that is; ``None`` means 500, and 5,000 behind the notifications.
    """

    timeout_ms: int = 5_000
    max_connections: int = 8
    listen: bool = True
    statement_cache_size: int = 100
    poll_ms: int | None = None

    @property
    def rhythm(self) -> Rhythm:
        """Whether it listens, and how often it polls."""
        return Rhythm(self.listen, self.poll_ms or (5_000 if self.listen else 500))


class PostgresSource:
    """Jobs in Postgres 13 and later, in a schema of their own, which is made when it is missing.

    - ``dsn``: where it is, as asyncpg takes it.
    - ``schema``: sources of one schema and database share their queues (LIFE-09).

    Single jobs that are added at the same time share a round trip and a commit, and so do reads of
    single jobs. Errors of the client are raised as they are. Belongs to one asyncio event loop.
    """

    def __init__(self, dsn: str, *, schema: str = "nq", options: PostgresOptions = PostgresOptions()) -> None:
        self.twin: Callable[[], JobSource] | None = functools.partial(
            type(self), dsn, schema=schema, options=replace(options, max_connections=1)
        )
        access = Access(dsn, options.timeout_ms, options.statement_cache_size)
        self._statements = Statements.of(schema)
        self._connections = Connections(access, options.max_connections)
        self._listener = Listener(access, self._connections, self._statements, options.rhythm)
        self._queues: dict[str, _Queue] = {}
        self._watches: list[QueueWatch] = []
        self._opening = asyncio.Lock()
        self._opened = False
        self._closed = False

    async def open(self) -> None:
        """See ``JobSource.open``. Raises when the server does not answer, or refuses to make the schema."""
        async with self._opening:
            if not self._opened:
                self._refuse_closed()
                await self._connections.use(lambda connection: migrate(connection, self._statements))
                self._opened = True

    async def close(self) -> None:
        """See ``JobSource.close``. What is being added gets its answer first, within ``timeout_ms``."""
        self._closed = True
        parts = [part for queue in self._queues.values() for part in (queue.adds, queue.gets, queue.events)]
        await asyncio.gather(*(part.close() for part in (*parts, *self._watches)))
        await self._listener.close()
        await self._connections.close()

    async def now(self) -> int:
        """See ``JobSource.now``."""
        return int((await self._run("clock"))[0][0])

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
            await self._add_all(queue, arguments)
        return [job.id for job in jobs]

    async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
        """See ``JobSource.exchange``."""
        await self._settled(queue)
        rows = await self._run("exchange", queue, *records.exchange_arguments(outcomes, claim))
        return records.exchange_of(rows[0], claim.token)

    async def extend_locks(
        self, queue: str, held: Sequence[tuple[str, str]], lock_duration_ms: int
    ) -> Sequence[str]:
        """See ``JobSource.extend_locks``."""
        ids, tokens = records.columns(held, 2)
        lost: Sequence[str] = (await self._run("extend_locks", queue, ids, tokens, lock_duration_ms))[0][0]
        return lost

    async def get(self, queue: str, id: str) -> StoredJob | None:
        """See ``JobSource.get``."""
        known = self._queue(queue)
        return await known.gets.submit(id) if records.is_storable(id) else None

    async def list(
        self, queue: str, states: Collection[JobState], offset: int, limit: int | None
    ) -> Sequence[StoredJob]:
        """See ``JobSource.list``. No job here is ever ``paused``; no states give no jobs."""
        wanted = [state for state in _STORED_STATES if state in states]
        if not wanted:
            return []
        most = None if limit is None else min(limit, records.MAX_BIGINT)
        rows = await self._run("list", queue, wanted, min(offset, records.MAX_BIGINT), most)
        return [records.stored_job(row) for row in rows]

    async def counts(self, queue: str) -> JobCounts:
        """See ``JobSource.counts``. On a held queue, too, jobs are ``waiting`` (question 4)."""
        return JobCounts(**dict(await self._run("counts", queue)))

    async def pause(self, queue: str) -> None:
        """See ``JobSource.pause``."""
        await self._settled(queue)
        await self._run("pause", queue)

    async def resume(self, queue: str) -> None:
        """See ``JobSource.resume``."""
        await self._settled(queue)
        await self._run("resume", queue)

    async def is_paused(self, queue: str) -> bool:
        """See ``JobSource.is_paused``."""
        return bool((await self._run("is_paused", queue))[0][0])

    async def remove(self, queue: str, id: str) -> bool:
        """See ``JobSource.remove``."""
        self._refuse_closed()
        return records.is_storable(id) and bool((await self._run("remove", queue, id))[0][0])

    async def put_schedule(self, queue: str, schedule: Schedule) -> None:
        """See ``JobSource.put_schedule``."""
        await self._settled(queue)
        await self._run("put_schedule", queue, *records.schedule_arguments(schedule))

    async def schedules(self, queue: str) -> Sequence[Schedule]:
        """See ``JobSource.schedules``."""
        return records.series_of((await self._run("schedules", queue))[0][0])

    async def remove_schedule(self, queue: str, id: str) -> bool:
        """See ``JobSource.remove_schedule``."""
        self._refuse_closed()
        return records.is_storable(id) and bool(await self._run("remove_schedule", queue, id))

    async def fire(self, queue: str, due: Schedule, next_at: int | None, job: NewJob) -> bool:
        """See ``JobSource.fire``."""
        await self._settled(queue)
        arguments = (due.id, due.next_at, next_at, *records.job_arguments(job))
        return bool((await self._run("fire", queue, *arguments))[0][0])

    def watch(self, queue: str, notify: Callable[[], None]) -> QueueWatch:
        """See ``JobSource.watch``."""
        self._refuse_closed()
        watch = QueueWatch(self._listener, queue, notify)
        self._watches = [each for each in self._watches if not each.closed] + [watch]
        return watch

    def subscribe(self, queue: str, listener: EventListener) -> EventSubscription[int]:
        """See ``JobSource.subscribe``. Events of other processes are seen as well (EVT-12)."""
        return self._queue(queue).events.subscribe(listener)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ClosedError("this PostgresSource is closed; make a new one to go on")

    def _queue(self, queue: str) -> _Queue:
        self._refuse_closed()
        known = self._queues.get(queue)
        if known is None:
            known = self._queues[queue] = self._meet(queue)
        return known

    def _meet(self, queue: str) -> _Queue:
        async def add_all(batch: Sequence[records.JobArguments]) -> Sequence[None]:
            await self._add_all(queue, batch)
            return [None] * len(batch)

        async def get_all(ids: Sequence[str]) -> Sequence[StoredJob | None]:
            rows = await self._run("get", queue, list(ids))
            found = {row[0]: row for row in rows}
            return [records.stored_job(found[id]) if id in found else None for id in ids]

        async def events_after(number: int, most: int) -> Sequence[Any]:
            return await self._run("events", queue, number, most)

        return _Queue(
            Batcher(add_all, weigh=lambda arguments: len(arguments[2])),
            Batcher(get_all),
            EventReader(QueueEvents(self._listener, queue, events_after), queue, _log),
        )

    async def _settled(self, queue: str) -> _Queue:
        """The queue, once none of its subscribers can miss what is done to it now."""
        known = self._queue(queue)
        await known.events.settle()
        return known

    async def _add_all(self, queue: str, jobs: Sequence[records.JobArguments]) -> None:
        await self._run("add", queue, *records.new_jobs(jobs))

    async def _run(self, verb: str, *args: object) -> builtins.list[Any]:
        self._refuse_closed()
        return await self._connections.fetch(self._statements.verb(verb), *args)
