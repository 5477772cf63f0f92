"""Records on their way to the disk: those that come at the same time share a write and a sync.

There are two ways in. ``commit`` is for what must be safe before it is true: the record goes
to the disk, then ``apply`` makes it so. ``note`` is for moves that memory has made already;
``settle`` waits for them. All records stand in the journal in the order of these calls, and
``apply`` is called in that order, so that reading the journal gives what memory held.

A note that could not be written is owed: it stays first in line, and nobody is told that
all is well until it has been written.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import anyio
import anyio.to_thread

from nq_reference import background
from nq_reference.sources.file.errors import JournalError
from nq_reference.sources.file.journal_file import JournalFile
from nq_reference.sources.file.records import Record, frame

Fsync: TypeAlias = Literal["always", "interval", "never"]
Snapshot: TypeAlias = Callable[[], Callable[[], Iterable[bytes]]]
"""Called on the event loop: copies what is true now. What it returns is called in a thread
and gives the frames of a journal that says just that."""

logger = logging.getLogger("nq_reference.file")
MIN_COMPACTION_BYTES = 1 << 20
GROWTH = 4  # so that what compaction writes stays a fraction of what was appended


@dataclass(slots=True, eq=False)
class _Entry:
    """A record that was not yet written. Those that somebody waits for have a bell."""

    frame: bytes
    apply: Callable[[], Awaitable[Any]] | None = None
    undo: Callable[[], None] = lambda: None
    bell: background.Bell | None = None
    value: Any = None
    error: Exception | None = None
    done: bool = field(default=False)


class Journal:
    """Writes to ``file``, which has been opened. Belongs to one event loop.

    ``live_size`` is how many bytes of the file count, about; the rest is history.
    """

    def __init__(
        self, file: JournalFile, snapshot: Snapshot, *, fsync: Fsync, fsync_interval_ms: int
    ) -> None:
        self._file = file
        self._snapshot = snapshot
        self._fsync = fsync
        self._fsync_interval_s = fsync_interval_ms / 1000
        self._pending: list[_Entry] = []
        self._awaited = 0
        self._flusher: background.BackgroundTask | None = None
        self._syncer: background.BackgroundTask | None = None
        self._thread = anyio.CapacityLimiter(1)
        self.live_size = 0
        self.noted = 0
        self.owing = False

    def note(self, record: Record) -> None:
        """Take the record of a move that memory makes; ``noted`` counts them."""
        self.noted += 1
        self._pending.append(_Entry(frame(record)))

    async def commit(
        self, record: Record, apply: Callable[[], Awaitable[Any]], undo: Callable[[], None] = lambda: None
    ) -> Any:
        """Make ``record`` durable, then call ``apply`` and return what it does.

        Either ``apply`` or ``undo`` is called, once. Raises ``JournalError`` where the record
        could not be written. A call that is cancelled before its write begins leaves nothing.
        """
        return await self._submit(_Entry(frame(record), apply, undo, background.bell()))

    async def settle(self) -> None:
        """Return once all notes are durable. Raises ``JournalError``; they are then owed."""
        if self._pending or self._flusher is not None:
            await self._submit(_Entry(b"", bell=background.bell()))

    async def close(self) -> None:
        """Write and sync what is left, then close the file."""
        try:
            await self.settle()
        except JournalError as error:
            logger.error("closing with moves that were not recorded: %s", error)  # noqa: TRY400 - it says all
        if self._syncer is not None:
            await self._syncer.stop()
        if self._fsync == "interval":
            await self._in_thread(self._sync_logged)
        self._file.close()

    # -- flushing ---------------------------------------------------------------------------

    async def _submit(self, entry: _Entry) -> Any:
        assert entry.bell is not None  # noqa: S101 - only those with one are waited for
        self._pending.append(entry)
        self._awaited += 1
        if self._flusher is None:
            self._flusher = background.spawn_logged(self._flush_all, "nq-journal")
        try:
            while not entry.done:
                await entry.bell.wait()
        except BaseException:
            self._withdraw(entry)
            raise
        if entry.error is not None:
            raise entry.error
        return entry.value

    def _withdraw(self, entry: _Entry) -> None:
        if entry in self._pending:
            self._pending.remove(entry)
            self._awaited -= 1
            entry.undo()

    async def _flush_all(self) -> None:
        # A task of its own, so that a caller who is cancelled does not leave a thread behind
        # that writes while the next one begins to.
        try:
            while self._awaited:
                await self._flush()
        finally:
            self._flusher = None

    async def _flush(self) -> None:
        batch, self._pending, self._awaited = self._pending, [], 0
        try:
            await self._write(batch)
        except Exception as error:  # whatever it is, those who wait must hear of it
            self._fail(batch, error)
            return
        self.owing = False
        for entry in batch:
            await _finish(entry)

    def _fail(self, batch: list[_Entry], error: Exception) -> None:
        owed = [entry for entry in batch if entry.bell is None]
        self._pending = owed + self._pending
        self.owing = self.owing or bool(owed)
        for entry in batch:
            if entry.bell is not None:
                entry.undo()
                entry.error = JournalError(
                    f"the journal {self._file.path} can't be written: {error}. Nothing of this call was "
                    "stored. Give the disk room, or the right to write, and try again"
                )
                entry.error.__cause__ = error
                _ring(entry)

    async def _write(self, batch: list[_Entry]) -> None:
        data = b"".join(entry.frame for entry in batch)
        if self._file.doubtful:
            await self._compact(batch)
        elif self._file.size > max(MIN_COMPACTION_BYTES, GROWTH * self.live_size) and data:
            await self._try_to_compact(batch, data)
        elif data:
            await self._append(data)

    async def _append(self, data: bytes) -> None:
        if self._fsync == "always":
            await self._in_thread(self._append_and_sync, data)
            return
        self._file.append(data)  # into the kernel's memory: not worth a thread
        if self._fsync == "interval" and self._syncer is None:
            self._syncer = background.spawn_logged(self._sync_soon, "nq-journal-sync")

    def _append_and_sync(self, data: bytes) -> None:
        before = self._file.size
        self._file.append(data)
        try:
            self._file.sync()
        except OSError:
            self._file.cut(before)  # or what was refused might be there after a restart
            raise

    async def _try_to_compact(self, batch: list[_Entry], data: bytes) -> None:
        try:
            await self._compact(batch)
        except OSError as error:
            logger.warning("could not compact the journal %s: %s", self._file.path, error)
            self.live_size = self._file.size  # not again before it has grown as much anew
            await self._append(data)

    async def _compact(self, batch: list[_Entry]) -> None:
        """Replace the file by one that says the same in fewer words, and what ``batch`` adds to it."""
        live = self._snapshot()  # it has in it what was noted
        more = [entry.frame for entry in batch if entry.apply is not None]
        await self._in_thread(lambda: self._file.replace(_joined(live(), more)))
        self.live_size = self._file.size

    async def _sync_soon(self) -> None:
        await anyio.sleep(self._fsync_interval_s)
        self._syncer = None
        await self._in_thread(self._sync_logged)

    def _sync_logged(self) -> None:
        try:
            self._file.sync()
        except OSError as error:
            logger.warning("could not sync the journal %s: %s", self._file.path, error)

    async def _in_thread(self, call: Callable[..., None], *args: Any) -> None:
        await anyio.to_thread.run_sync(call, *args, limiter=self._thread)


def _joined(live: Iterable[bytes], more: Iterable[bytes]) -> Iterable[bytes]:
    yield from live
    yield from more


async def _finish(entry: _Entry) -> None:
    if entry.apply is not None:
        try:
            entry.value = await entry.apply()
        except Exception as error:  # it belongs to the caller
            entry.error = error
    if entry.bell is not None:
        _ring(entry)


def _ring(entry: _Entry) -> None:
    entry.done = True
    assert entry.bell is not None  # noqa: S101 - both callers have asked
    entry.bell.ring()
