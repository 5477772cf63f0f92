"""The file backend: queues in memory whose every move is in a journal.

Who may do what, and in which order, is ``MemorySource``'s and ``MemoryQueue``'s business;
here is only what of it must be on the disk, and when.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio

from nq_conformance.contract import ClosedError, QueueError
from nq_reference.job_source import Claim, Exchange, NewJob, Outcome, Schedule
from nq_reference.sources.file import records, store
from nq_reference.sources.file.errors import JournalError
from nq_reference.sources.file.journal import Fsync
from nq_reference.sources.file.queue import JournaledQueue, JournaledWatch
from nq_reference.sources.file.records import KeptJob
from nq_reference.sources.memory import MemorySource

logger = logging.getLogger("nq_reference.file")


class FileSource(MemorySource):
    """Queues kept by one journal in ``directory``, which is made if it is missing.

    - ``prefix``: the namespace; each has a journal of its own.
    - ``fsync``: ``always``: what has returned is on the disk. ``interval``: at most
      ``fsync_interval_ms`` later, so that a power cut may cost that much. ``never``: when the
      system sees fit. A crash of the process alone costs nothing in any of them.

    One process at a time may have a journal (DUR-05); sources on one of its event loops share
    it. A job that was active when the last process died waits again after a start, in its old
    place. That counts as one stall, and the first exchange of its queue tells ``stalled`` of it,
    or fails it if there were too many.

    Events are told when memory has made the move, which is a moment before its record is safe;
    the call that made it returns when it is. Only ``add``, ``pause``, ``resume`` and those for
    series write first, and leave nothing where they raise ``JournalError``. The journal is
    compacted now and then, and writers wait for that: about a second for 100,000 jobs.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        prefix: str = "nq",
        fsync: Fsync = "always",
        fsync_interval_ms: int = 1_000,
    ) -> None:
        super().__init__()
        self._place = store.Place(Path(directory).absolute(), prefix)
        self._fsync = fsync
        self._fsync_interval_ms = fsync_interval_ms
        self._store: store.Store | None = None
        self._turn = anyio.Lock()
        self._closed = False

    # -- life ------------------------------------------------------------------------------

    async def open(self) -> None:
        """See ``JobSource.open``. Raises ``JournalHeldError`` or ``JournalError``."""
        async with self._turn:
            if self._closed:
                raise _closed()
            if self._store is None:
                self._store = await store.join(self._place, self._fsync, self._fsync_interval_ms)

    async def close(self) -> None:
        """See ``JobSource.close``. What is on its way to the disk gets there."""
        async with self._turn:
            self._closed = True
            shared, self._store = self._store, None
            if shared is not None:
                await store.leave(shared)

    def queue(self, name: str) -> JournaledQueue:
        """The queue of this name, made when first asked for."""
        return self._opened().queue(name)

    # -- what is written before it is true ---------------------------------------------------

    async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
        """See ``JobSource.add``. Raises ``JournalError`` and leaves nothing, neither job nor event."""
        memory = self._opened()
        q = memory.queue(queue)
        drafts = q.draft(jobs)
        if drafts:
            await memory.journal.commit(
                records.added(queue, drafts),
                functools.partial(_admit, q, drafts),
                functools.partial(q.discard, drafts),
            )
        ids = [job.id for job in jobs]
        if q.drafts and any(id in q.drafts for id in ids):
            await memory.journal.settle()  # another call is adding the same id: not before it has
            return await self.add(queue, jobs)
        return ids

    async def pause(self, queue: str) -> None:
        """See ``JobSource.pause``."""
        memory = self._opened()
        await memory.journal.commit(["pause", queue], functools.partial(MemorySource.pause, memory, queue))

    async def resume(self, queue: str) -> None:
        """See ``JobSource.resume``."""
        memory = self._opened()
        await memory.journal.commit(["resume", queue], functools.partial(MemorySource.resume, memory, queue))

    async def put_schedule(self, queue: str, schedule: Schedule) -> None:
        """See ``JobSource.put_schedule``."""
        memory = self._opened()
        apply = functools.partial(MemorySource.put_schedule, memory, queue, schedule)
        await memory.journal.commit(["series", queue, records.series_fields(schedule)], apply)

    async def remove_schedule(self, queue: str, id: str) -> bool:
        """See ``JobSource.remove_schedule``."""
        memory = self._opened()
        apply = functools.partial(MemorySource.remove_schedule, memory, queue, id)
        return bool(await memory.journal.commit(["end", queue, id], apply))

    async def fire(self, queue: str, due: Schedule, next_at: int | None, job: NewJob) -> bool:
        """See ``JobSource.fire``."""
        memory = self._opened()
        q = memory.queue(queue)
        drafts = q.draft([job])
        fields = records.job_fields(records.copy_of(drafts[0]))
        discard = functools.partial(q.discard, drafts)

        async def apply() -> bool:
            done = await MemorySource.fire(memory, queue, due, next_at, job)
            if not done:
                discard()
            return done

        record = ["fire", queue, due.id, due.next_at, next_at, fields]
        return bool(await memory.journal.commit(record, apply, discard))

    # -- what is true before it is written ---------------------------------------------------

    async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
        """See ``JobSource.exchange``. Raises ``JournalError``, and does nothing, while the journal
        owes earlier moves."""
        memory = self._opened()
        journal = memory.journal
        if journal.owing:
            await journal.settle()
        before = journal.noted
        reply = memory.queue(queue).exchange(outcomes, claim)
        if journal.noted == before:
            return reply
        try:
            with anyio.CancelScope(shield=True):  # or nobody would know who was claimed
                await journal.settle()
        except JournalError as error:  # the claims stand; the next exchange will not begin
            logger.warning("moves of queue %r are not on the disk yet: %s", queue, error.__cause__)
        return reply

    async def remove(self, queue: str, id: str) -> bool:
        """See ``JobSource.remove``. Where it raises ``JournalError`` the removal is owed, not undone."""
        memory = self._opened()
        if memory.journal.owing:
            await memory.journal.settle()
        removed = await MemorySource.remove(memory, queue, id)
        await memory.journal.settle()
        return removed

    def watch(self, queue: str, notify: Callable[[], None]) -> JournaledWatch:
        """See ``JobSource.watch``."""
        return JournaledWatch(self.queue(queue), notify)

    def _opened(self) -> store.Store:
        if self._store is None:
            raise _closed() if self._closed else QueueError("this FileSource is not open; await open() first")
        return self._store


async def _admit(queue: JournaledQueue, drafts: Sequence[KeptJob]) -> None:
    for job in drafts:
        queue.admit(job)


def _closed() -> ClosedError:
    return ClosedError("this FileSource is closed; make a new one to go on")
