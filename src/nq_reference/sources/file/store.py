"""What the sources of one journal share: its lock, its file, and the queues it keeps.

One process at a time has a journal (DUR-05). Inside it, sources on one event loop share the
store, so that a second provider finds what the first has stored (LIFE-01, LIFE-09); it is
closed with the last of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from nq_reference.sources.file import records
from nq_reference.sources.file.contents import Contents
from nq_reference.sources.file.errors import JournalError
from nq_reference.sources.file.journal import Fsync, Journal
from nq_reference.sources.file.journal_file import JournalFile
from nq_reference.sources.file.lock import WriterLock
from nq_reference.sources.file.naming import file_stem
from nq_reference.sources.file.queue import JournaledQueue
from nq_reference.sources.file.records import Record, frame
from nq_reference.sources.memory import MemorySource

logger = logging.getLogger("nq_reference.file")
_stores: RunVar[dict[Place, Store]] = RunVar("nq_file_stores")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a journal is: what tells one store from another."""

    directory: Path
    prefix: str

    def file(self, ending: str) -> Path:
        """One of the journal's files."""
        return self.directory / f"{file_stem(self.prefix)}.{ending}"


class Store(MemorySource):
    """The queues of one journal, while some source uses them. Belongs to one event loop."""

    def __init__(self, place: Place, fsync: Fsync, fsync_interval_ms: int) -> None:
        super().__init__()
        self.place = place
        self.fsync = fsync
        self.users = 0
        self.opened = False
        self.over = False
        self.turn = anyio.Lock()  # for opening and closing
        self._lock = WriterLock(place.file("lock"))
        self._file = JournalFile(place.file("journal"))
        self._table: dict[str, JournaledQueue] = {}
        self.journal = Journal(self._file, self._snapshot, fsync=fsync, fsync_interval_ms=fsync_interval_ms)

    async def open(self) -> None:
        """Take the lock and read the journal. Raises ``JournalHeldError`` or ``JournalError``."""
        try:
            contents = await anyio.to_thread.run_sync(self._load)
            for name, found in contents.queues.items():
                self.queue(name).fill(found)
            await self.journal.settle()
        except BaseException:
            self._let_go()
            raise
        self.opened = True

    async def close(self) -> None:
        """Write what is left, and let the next one have the journal."""
        try:
            await self.journal.close()
        finally:
            self._let_go()

    def queue(self, name: str) -> JournaledQueue:
        """The queue of this name, made when first asked for."""
        queue = self._table.get(name)
        if queue is None:
            queue = self._table[name] = JournaledQueue(name, self._note)
        return queue

    def _note(self, record: Record) -> None:
        self.journal.note(record)

    def _let_go(self) -> None:
        self._file.close()
        self._lock.release()

    # -- the journal's content -------------------------------------------------------------

    def _load(self) -> Contents:
        """Lock, open and read; blocking."""
        try:
            self.place.directory.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            content = self._file.open()
            if not content:
                self._file.append(frame(self._first_record()))
        except OSError as error:
            raise JournalError(
                f"can't open the journal {self._file.path}: {error}. Give this process the right to write "
                "there, and the disk room"
            ) from error
        return self._read(content)

    def _read(self, content: bytes) -> Contents:
        contents, many = Contents(), 0
        for offset, record in records.unframe(content):
            many += 1
            if record is not None and record[0] == "journal":
                self._check(record)
            if record is None or not contents.apply(record):
                logger.warning(
                    "%s: the record at byte %d is damaged and was left out; all others count",
                    self._file.path,
                    offset,
                )
        jobs = sum(len(queue.jobs) for queue in contents.queues.values())
        self.journal.live_size = len(content) * min(jobs, many) // max(many, 1)
        return contents

    def _check(self, record: Record) -> None:
        if record[-1] != records.FORMAT:
            raise JournalError(
                f"{self._file.path} has format {record[-1]!r}, this version reads {records.FORMAT}. Use the "
                "version that wrote it"
            )

    def _first_record(self) -> Record:
        return ["journal", self.place.prefix, records.FORMAT]

    def _snapshot(self) -> Callable[[], Iterable[bytes]]:
        """All that is true now, copied; see ``journal.Snapshot``."""
        first: list[Record] = [self._first_record()]
        jobs: list[tuple[str, list[tuple[Any, ...]]]] = []
        for name, q in self._table.items():
            first.extend([["pause", name]] if q.paused else [])
            first.extend(["series", name, records.series_fields(series)] for series in q.schedules.values())
            jobs.append((name, [records.copy_of(job) for job in q.jobs.values()]))

        def frames() -> Iterable[bytes]:
            yield from map(frame, first)
            for name, copies in jobs:  # one record a job, so that damage costs one job
                yield from (frame(["add", name, [records.job_fields(copy)]]) for copy in copies)

        return frames


async def join(place: Place, fsync: Fsync, fsync_interval_ms: int) -> Store:
    """The open store of ``place`` on this event loop. Raises as ``Store.open`` does."""
    stores = _all()
    while True:
        store = stores.get(place)
        if store is None:
            store = stores[place] = Store(place, fsync, fsync_interval_ms)
        async with store.turn:
            if store.over:
                continue
            if not store.opened:
                await _open(store)
            if store.fsync != fsync:
                logger.warning(
                    "the journal of %s is open with fsync=%r; %r was not heeded", place, store.fsync, fsync
                )
            store.users += 1
            return store


async def leave(store: Store) -> None:
    """One user less; the last one closes it."""
    async with store.turn:
        store.users -= 1
        if store.users == 0:
            try:
                await store.close()
            finally:
                _forget(store)


async def _open(store: Store) -> None:
    try:
        await store.open()
    except BaseException:
        _forget(store)
        raise


def _forget(store: Store) -> None:
    store.over = True
    _all().pop(store.place, None)


def _all() -> dict[Place, Store]:
    try:
        return _stores.get()
    except LookupError:
        stores: dict[Place, Store] = {}
        _stores.set(stores)
        return stores
