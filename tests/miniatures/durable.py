"""Wrong memories: what is not there, or not the same, after a crash or a restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio

from miniatures.base import BentFile, BentSqlite, BentStore, FileMiniature, SqliteMiniature
from nq_reference import background
from nq_reference.job_source import NewJob, Schedule
from nq_reference.sources.file import records
from nq_reference.sources.file.contents import Contents
from nq_reference.sources.file.errors import JournalError
from nq_reference.sources.file.queue import JournaledQueue
from nq_reference.sources.file.records import KeptJob


class AcknowledgesBeforeItWrites(FileMiniature):
    """Jobs are gathered for a tenth of a second before they are written; their ids are returned at once."""

    breaks, tells = "DUR-01", "get_job finds the job"

    class store_class(BentStore):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            journal: Any = self.journal
            self.write, journal.commit = journal.commit, self.commit

        async def commit(self, record: Any, apply: Callable[[], Awaitable[Any]], *undo: Any) -> Any:
            if record[0] != "add":
                return await self.write(record, apply, *undo)
            self.journal.note(record)
            background.spawn_logged(self.write_soon, "what was gathered")
            return await apply()

        async def write_soon(self) -> None:
            await anyio.sleep(0.1)
            await self.journal.settle()


class LoadsActiveJobsAsActive(FileMiniature):
    """A job that was active at the crash is active for ever."""

    breaks, tells = "DUR-02", "4 runs of the next process's handler"

    class queue_class(JournaledQueue):
        def _fill_one(self, job: KeptJob) -> None:
            if job.state == "active":
                self._numbers = max(self._numbers, job.number)
                self.counts["active"] = self.counts.get("active", 0) + 1
            else:
                super()._fill_one(job)


class StoresNoOptions(SqliteMiniature, alone=True):
    """A job comes back without its options."""

    breaks, tells = "DUR-03", "the job's fields are as before the restart: {'opts."

    class source_class(BentSqlite):
        at_start = "UPDATE job SET opts = '{}'"


class RunsFinishedJobsAgain(SqliteMiniature, alone=True):
    """All jobs that are loaded are lined up."""

    breaks, tells = "DUR-03", "runs of jobs that were finished before the restart: 0"
    also = ("DUR-05",)
    because = "the third process of that test finds jobs that are finished, too"

    class source_class(BentSqlite):
        at_start = "UPDATE job SET state = 'waiting', ended = NULL WHERE state = 'completed'"


class StopsReadingAtDamage(FileMiniature):
    """What stands behind a record that can't be read is not loaded."""

    breaks, tells = "DUR-04", "get_job finds the job"

    class store_class(BentStore):
        def _read(self, content: bytes) -> Contents:
            damaged = [offset for offset, record in records.unframe(content) if record is None]
            return super()._read(content[: damaged[0]] if damaged else content)


class LetsTwoWrite(FileMiniature):
    """Nothing keeps a second process from the journal."""

    breaks, tells = "DUR-05", "becomes completed"

    class store_class(BentStore):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            lock: Any = self._lock
            lock.acquire = lambda: None


class KeepsWhatItCannotWrite(FileMiniature):
    """A job for which there is no room on the disk is kept in memory."""

    breaks, tells = "DUR-06", "enqueue of a job that can't be stored raises"

    class source_class(BentFile):
        async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
            try:
                return await super().add(queue, jobs)
            except JournalError:
                q = self.queue(queue)
                for job in q.draft(jobs):
                    q.admit(job)
                return [job.id for job in jobs]


class KeepsWhatItRefuses(FileMiniature):
    """The same, but the caller is told that it failed."""

    breaks, tells = "DUR-06", "the jobs that are there, by their data: ['before']"

    class source_class(BentFile):
        async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
            try:
                return await super().add(queue, jobs)
            except JournalError:
                q = self.queue(queue)
                for job in q.draft(jobs):
                    q.admit(job)
                raise


class LoadsInTheOrderOfIds(SqliteMiniature, alone=True):
    """The backlog is read as a folder lists its files."""

    breaks, tells = "ORD-06", "the order of start after a restart"

    class source_class(BentSqlite):
        at_start = """UPDATE job SET place = (SELECT count(*) FROM job AS other WHERE other.id < job.id)
            WHERE state = 'waiting'"""


class ForgetsThePause(SqliteMiniature, alone=True):
    """The pause ends with the process."""

    breaks, tells = "PAU-08", "is_paused after a kill and a restart: {'empty': True"
    also = ("LIFE-02",)
    because = "a call before init may open the place, which ends a pause here"

    class source_class(BentSqlite):
        at_start = "UPDATE queue SET paused = 0"


class LosesTheTimerOfARetry(SqliteMiniature, alone=True):
    """A job in backoff is due when it is loaded."""

    breaks, tells = "RTY-07", "the second attempt starts no sooner"

    class source_class(BentSqlite):
        at_start = "UPDATE job SET due = 0 WHERE state = 'delayed' AND attempts_made > 0"


class CountsAttemptsAnew(SqliteMiniature, alone=True):
    """The number of attempts is not stored."""

    breaks, tells = "RTY-07", "attempts_made and reason after the restart"

    class source_class(BentSqlite):
        at_start = "UPDATE job SET attempts_made = 0 WHERE state = 'delayed'"


class LosesTheTimerOfADelay(SqliteMiniature, alone=True):
    """A delayed job that is loaded stays delayed."""

    breaks, tells = "SCH-06", "2 runs of the handler"

    class source_class(BentSqlite):
        at_start = "UPDATE job SET due = due + 9000000000 WHERE state = 'delayed' AND attempts_made = 0"


class ForgetsSeries(SqliteMiniature, alone=True):
    """Series are kept for the life of a process."""

    breaks, tells = "SCH-06", "1 start of the handler"

    class source_class(BentSqlite):
        at_start = "DELETE FROM series"


class CatchesUpOnMissedMatches(SqliteMiniature, alone=True):
    """After a restart there is a job for each match that was missed."""

    breaks, tells = "SCH-06", "runs from the restart on, and one for what was missed"
    also, because = ("SCH-14",), "what goes by in a pause is missed as well"

    class source_class(BentSqlite):
        async def fire(self, queue: str, due: Schedule, next_at: int | None, job: NewJob) -> bool:
            missed = min(10, (await self.now() - due.next_at) // 1_000)
            fired = await super().fire(queue, due, next_at, job)
            for number in range(missed if fired else 0):
                await self.add(queue, [NewJob(f"{job.id}{number}", job.name, job.data, job.opts)])
            return fired
