"""Adapters whose single features are right: only a sequence of calls shows what is wrong."""

from __future__ import annotations

from collections import Counter
from typing import Any

from miniatures.base import BentSqlite, FileMiniature, Miniature, SqliteMiniature
from nq_reference.job_source import NewJob, Outcome
from nq_reference.sources.file.queue import JournaledQueue
from nq_reference.sources.file.records import KeptJob
from nq_reference.sources.memory import JobRecord, MemoryQueue, MemorySource


class ForgetsFailuresOfAPause(Miniature):
    """A job that fails while its queue is paused has its attempt back on resume."""

    breaks, tells = "QRY-13", "after resume, on queue"

    class queue_class(MemoryQueue):
        def retry(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            super().retry(job, outcome, now)
            if self.paused and job.state == "waiting":
                self.__dict__.setdefault("failed_in_pause", []).append(job)

    class source_class(MemorySource):
        async def resume(self, queue: str) -> None:
            q = self.queue(queue)
            for job in q.__dict__.pop("failed_in_pause", ()):
                job.attempts_made -= 1
            await super().resume(queue)


class CountsAReusedIdTwice(Miniature):
    """An id that is enqueued again after its job was removed at its end counts once more."""

    breaks, tells = "QRY-13", "counts: {"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            ended: set[str] = self.__dict__.setdefault("ended", set())
            if new.opts.job_id in ended and self.paused:
                self.counts["waiting"] += 1
                ended.discard(new.id)
            super().add(new)

        def remove(self, job: JobRecord) -> None:
            if job.state == "completed":
                self.__dict__.setdefault("ended", set()).add(job.id)
            super().remove(job)


class LoadsWaitingJobsAsNew(FileMiniature):
    """A job that has failed and waits for its next attempt has none behind it after a restart."""

    breaks, tells = "QRY-14", "after closing and opening again"

    class queue_class(JournaledQueue):
        def _fill_one(self, job: KeptJob) -> None:
            if job.state == "waiting":
                job.attempts_made = 0
            super()._fill_one(job)


class RemembersItsOwnPauses(SqliteMiniature):
    """An instance that has paused a queue twice answers from memory whether it is held, whatever another
    has done since."""

    breaks, tells = "QRY-15", "after "

    class source_class(BentSqlite):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.paused: dict[str, bool] = {}
            self.pauses: Counter[str] = Counter()

        async def pause(self, queue: str) -> None:
            await super().pause(queue)
            self.pauses[queue] += 1
            self.paused[queue] = True

        async def resume(self, queue: str) -> None:
            await super().resume(queue)
            self.paused[queue] = False

        async def is_paused(self, queue: str) -> bool:
            known = self.paused.get(queue)
            return await super().is_paused(queue) if known is None or self.pauses[queue] < 2 else known
