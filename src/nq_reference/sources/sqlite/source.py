"""The SQLite backend: each verb of a ``JobSource`` is a function of a transaction."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from nq_conformance.contract import ClosedError, JobCounts, JobState, QueueError
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
from nq_reference.sources.sqlite import rows, verbs
from nq_reference.sources.sqlite.connections import Connections, Report, hear
from nq_reference.sources.sqlite.database import Database, Synchronous
from nq_reference.sources.sqlite.events import EventFeed, EventSubscription, Heard, Key
from nq_reference.sources.sqlite.exchange import exchange, look
from nq_reference.sources.sqlite.lane import Answer, Call, Lane
from nq_reference.sources.sqlite.transaction import Transaction
from nq_reference.sources.sqlite.watch import Poller, QueueLook, SqliteWatch

_MAX_NUMBER = 2**53  # more rows than that there are not
_STATES: tuple[JobState, ...] = ("waiting", "delayed", "active", "completed", "failed")


class SqliteSource:
    """Jobs in the SQLite file ``path``; any number of processes of one host may share it.

    - ``prefix``: the namespace in the file.
    - ``synchronous``: ``full``: what has returned is on the disk. ``normal``: a power cut may
      cost the last moments; a crash of the process costs nothing in any of them.
    - ``timeout_ms``: how long a call waits for other processes that write, before it raises.
    - ``event_log_length``: how many events the file keeps, about. A process that is further
      behind than that misses some.

    What other processes do, workers and listeners learn within about 50 ms. Calls made at the
    same time share a transaction; none is open between them, least of all while a handler runs
    (DST-05). Times are those of the host, which all processes share. Errors of ``sqlite3`` are
    raised as they are.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        prefix: str = "nq",
        synchronous: Synchronous = "full",
        timeout_ms: int = 5_000,
        event_log_length: int = 100_000,
    ) -> None:
        self.twin: Callable[[], JobSource] | None = functools.partial(
            type(self),
            path,
            prefix=prefix,
            synchronous=synchronous,
            timeout_ms=timeout_ms,
            event_log_length=event_log_length,
        )
        self._prefix = prefix
        self._connections = Connections(
            Database(Path(path).absolute(), synchronous, timeout_ms), event_log_length
        )
        self._writes: Lane[Report] = Lane("nq-sqlite-writes", self._prepare_write, self._landed, _tells)
        self._reads: Lane[Report] = Lane(
            "nq-sqlite-reads", lambda: self._connections.read, self._landed, _tells
        )
        self._feed = EventFeed(self._place)
        self._poller = Poller(self._changed, self._look_around, self._listening)
        self._looks: dict[Key, QueueLook] = {}
        self._version = 0  # of the data: as it was when others' doings were looked at last
        self._turn = anyio.Lock()
        self._opened = False
        self._closed = False

    # -- life ------------------------------------------------------------------------------

    async def open(self) -> None:
        """See ``JobSource.open``. Raises ``DatabaseError``."""
        async with self._turn:
            if self._closed:
                raise ClosedError("this SqliteSource is closed; make a new one to go on")
            if not self._opened:
                await anyio.to_thread.run_sync(self._connections.open)
                self._opened = True

    async def close(self) -> None:
        """See ``JobSource.close``. What was asked is answered first."""
        async with self._turn:
            self._closed = True
            await self._poller.close()
            await self._reads.close(self._connections.close_reader)
            await self._writes.close(self._connections.close_writer)

    async def now(self) -> int:
        """See ``JobSource.now``."""
        return int(await self._read(lambda tx: tx.now))

    # -- what changes something --------------------------------------------------------------

    async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
        """See ``JobSource.add``."""
        await self._write(queue, verbs.add, jobs)
        return [job.id for job in jobs]

    async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
        """See ``JobSource.exchange``."""
        with anyio.CancelScope(shield=True):  # or nobody would know who was claimed
            now, reply = await self._write(queue, _timed_exchange, outcomes, claim)
        after = reply.next_in_ms
        self._look(queue).next_at = None if after is None else now + after
        return reply  # type: ignore[no-any-return]

    async def extend_locks(
        self, queue: str, held: Sequence[tuple[str, str]], lock_duration_ms: int
    ) -> Sequence[str]:
        """See ``JobSource.extend_locks``."""
        lost: list[str] = await self._write(queue, verbs.extend_locks, held, lock_duration_ms)
        return lost

    async def pause(self, queue: str) -> None:
        """See ``JobSource.pause``."""
        await self._write(queue, verbs.pause)

    async def resume(self, queue: str) -> None:
        """See ``JobSource.resume``."""
        await self._write(queue, verbs.resume)

    async def remove(self, queue: str, id: str) -> bool:
        """See ``JobSource.remove``."""
        return bool(await self._write(queue, lambda tx, number: tx.run("remove", queue=number, id=id)))

    async def put_schedule(self, queue: str, schedule: Schedule) -> None:
        """See ``JobSource.put_schedule``."""
        await self._write(queue, verbs.put_schedule, schedule)

    async def remove_schedule(self, queue: str, id: str) -> bool:
        """See ``JobSource.remove_schedule``."""
        return bool(
            await self._write(
                queue, lambda tx, number: tx.run("remove_schedule", queue=number, id=id, next_at=None)
            )
        )

    async def fire(self, queue: str, due: Schedule, next_at: int | None, job: NewJob) -> bool:
        """See ``JobSource.fire``."""
        return bool(await self._write(queue, verbs.fire, due, next_at, job))

    # -- what only asks ----------------------------------------------------------------------

    async def get(self, queue: str, id: str) -> StoredJob | None:
        """See ``JobSource.get``."""

        def call(tx: Transaction, number: int) -> StoredJob | None:
            found = tx.row("get", queue=number, id=id)
            return None if found is None else rows.stored_job(found)

        job: StoredJob | None = await self._ask(queue, call, None)
        return job

    async def list(
        self, queue: str, states: Collection[JobState], offset: int, limit: int | None
    ) -> Sequence[StoredJob]:
        """See ``JobSource.list``."""
        wanted: dict[str, int] = {state: int(state in states) for state in _STATES}
        most = -1 if limit is None else min(limit, _MAX_NUMBER)
        page = {**wanted, "offset": min(offset, _MAX_NUMBER), "limit": most}

        def call(tx: Transaction, number: int) -> Sequence[StoredJob]:
            return [rows.stored_job(row) for row in tx.rows("list", queue=number, **page)]

        jobs: Sequence[StoredJob] = await self._ask(queue, call, ())
        return jobs

    async def counts(self, queue: str) -> JobCounts:
        """See ``JobSource.counts``."""
        found: JobCounts = await self._ask(queue, verbs.counts, JobCounts())
        return found

    async def is_paused(self, queue: str) -> bool:
        """See ``JobSource.is_paused``."""
        held = await self._ask(queue, lambda tx, number: tx.row("is_paused", queue=number), None)
        return held is not None and bool(held[0])

    async def schedules(self, queue: str) -> Sequence[Schedule]:
        """See ``JobSource.schedules``."""

        def call(tx: Transaction, number: int) -> Sequence[Schedule]:
            return [
                rows.schedule_of(row)
                for row in tx.rows("schedules", queue=number, until=_MAX_NUMBER, most=-1)
            ]

        found: Sequence[Schedule] = await self._ask(queue, call, ())
        return found

    # -- listening ---------------------------------------------------------------------------

    def watch(self, queue: str, notify: Callable[[], None]) -> SqliteWatch:
        """See ``JobSource.watch``."""
        return SqliteWatch(self._look(queue), notify, self._poller.start)

    def subscribe(self, queue: str, listener: EventListener) -> EventSubscription:
        """See ``JobSource.subscribe``. Events of other processes are heard as well (EVT-12)."""
        if self._closed:
            raise ClosedError("this SqliteSource is closed; make a new one to go on")
        subscription = self._feed.subscribe((self._prefix, queue), listener)
        self._poller.start()
        return subscription

    def _listening(self) -> bool:
        return self._feed.wanted or any(look.armed for look in self._looks.values())

    async def _place(self) -> None:
        await self._writes.run(lambda _: None)

    def _changed(self) -> bool:
        return self._connections.version() != self._version

    async def _look_around(self) -> None:
        version = self._connections.version()  # before the look: what comes meanwhile is another change
        question = self._feed.question(own=False)
        armed = [look.key for look in self._looks.values() if look.armed]

        def call(tx: Transaction) -> tuple[Heard | None, dict[Key, tuple[bool, int | None]]]:
            return None if question is None else hear(tx, question, None), _offers(tx, armed)

        heard, offers = await self._reads.run(call)
        self._version = version
        if heard is not None:
            self._feed.hear(heard)
        for key, offer in offers.items():
            self._looks[key].offers(*offer)

    # -- the two lanes -----------------------------------------------------------------------

    async def _write(self, queue: str, verb: Callable[..., Any], *args: Any) -> Any:
        """Call ``verb`` with a transaction, the queue's number, and ``args``."""
        self._require_open()
        return await self._writes.run(lambda tx: verb(tx, tx.meet(self._prefix, queue), *args))

    async def _ask(self, queue: str, verb: Callable[[Transaction, int], Any], nothing: Any) -> Any:
        """What ``verb`` answers, or ``nothing`` for a queue that nobody has written to."""

        def call(tx: Transaction) -> Any:
            number = tx.find(self._prefix, queue)
            return nothing if number is None else verb(tx, number)

        return await self._read(call)

    async def _read(self, call: Call) -> Any:
        self._require_open()
        return await self._reads.run(call)

    def _require_open(self) -> None:
        if not self._opened and not self._closed:
            raise QueueError("this SqliteSource is not open; await open() first")

    def _prepare_write(self) -> Callable[[builtins.list[Call]], tuple[builtins.list[Answer], Report]]:
        return functools.partial(self._connections.write, question=self._feed.question(own=True))

    def _landed(self, report: Report) -> None:
        known = self._connections.known
        known.update(report.met)
        if report.seen or report.woken:
            for key, look in self._looks.items():
                number = known.get(key)
                if number in report.seen:
                    look.fresh = False
                if number in report.woken:
                    look.wake()
        if report.heard is not None:
            self._feed.hear(report.heard)

    def _look(self, queue: str) -> QueueLook:
        key = (self._prefix, queue)
        look = self._looks.get(key)
        if look is None:
            look = self._looks[key] = QueueLook(key)
        return look


def _timed_exchange(
    tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim
) -> tuple[int, Exchange]:
    return tx.now, exchange(tx, queue, outcomes, claim)


def _tells(report: Report) -> bool:
    """Whether there are events for listeners."""
    return report.heard is not None and bool(report.heard.rows)


def _offers(tx: Transaction, keys: Sequence[Key]) -> dict[Key, tuple[bool, int | None]]:
    found = {}
    for key in keys:
        number = tx.find(*key)
        if number is not None:
            _, waiting, next_at = look(tx, number)
            found[key] = (waiting, next_at)
    return found
