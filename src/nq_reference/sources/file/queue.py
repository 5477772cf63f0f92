"""A queue in memory that tells a journal of its moves; the rules are ``MemoryQueue``'s."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import replace

from nq_conformance.contract import JobState
from nq_reference.job_source import Claim, ClaimedJob, Exchange, NewJob, Outcome
from nq_reference.retry import kept
from nq_reference.sources.file import records
from nq_reference.sources.file.contents import QueueContents
from nq_reference.sources.file.records import KeptJob, Record
from nq_reference.sources.memory import JobRecord, MemoryQueue
from nq_reference.sources.memory.listening import MemoryWatch
from nq_reference.sources.memory.queue import now_ms


class JournaledWatch(MemoryWatch):
    """See ``Watch``."""

    def __init__(self, queue: JournaledQueue, notify: Callable[[], None]) -> None:
        super().__init__(queue, notify)
        self._journaled = queue

    def arm(self) -> None:
        """Ask for one notification; it comes at once if something has come already.

        The caller of an exchange has to wait for the disk, and can't be armed meanwhile.
        """
        if self._journaled.fresh:
            self.notify()
        else:
            super().arm()


class JournaledQueue(MemoryQueue):
    """One queue. ``note`` is called with a record for each move, right before it is made.

    A new job is a draft first: it has its number, place and time, and is in its record, but
    nobody sees it until ``admit`` lets it in, when the record is safe (DUR-06).
    """

    def __init__(self, name: str, note: Callable[[Record], None]) -> None:
        super().__init__()
        self.name = name
        self.drafts: dict[str, KeptJob] = {}
        self._note = note
        self.fresh = False
        self._orphans: list[KeptJob] = []

    def draft(self, jobs: Sequence[NewJob]) -> list[KeptJob]:
        """Drafts of those jobs whose ids are neither kept nor drafted yet."""
        now = now_ms()
        return [
            self._draft(job, now) for job in jobs if job.id not in self.jobs and job.id not in self.drafts
        ]

    def discard(self, drafts: Sequence[KeptJob]) -> None:
        """Forget drafts that could not be recorded."""
        for job in drafts:
            del self.drafts[job.id]

    def add(self, new: NewJob) -> None:
        """Let the draft of a job in; without one the id is kept already (ENQ-06)."""
        if new.id in self.drafts:
            self.admit(self.drafts[new.id])

    def admit(self, job: KeptJob) -> None:
        """Make a draft a job."""
        del self.drafts[job.id]
        target, job.state = job.state, None
        self.jobs[job.id] = job
        if target == "delayed":
            self.delay(job, "enqueue", job.due)
        else:
            self.put_back(job, "enqueue")

    def exchange(self, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
        """As in memory; the first one after a start also tells what became of orphans."""
        dead = self._tell_orphans(claim.max_stalled_count) if self._orphans else ()
        reply = super().exchange(outcomes, claim)
        if len(reply.claimed) < claim.want:
            self.fresh = False
        return replace(reply, dead=dead) if dead else reply

    def wake(self) -> None:
        """As in memory; what has come is fresh until an exchange leaves nothing of it."""
        self.fresh = True
        super().wake()

    def move(
        self, job: JobRecord, verb: str, target: JobState | None, detail: str | int | None = None
    ) -> None:
        """As in memory, after a note of it; a new job has its record already."""
        if target is None:
            self._note(["remove", self.name, job.id])
        elif verb != "enqueue" and isinstance(job, KeptJob):
            self._note(records.moved(self.name, job, target))
        super().move(job, verb, target, detail)

    # -- after a start ---------------------------------------------------------------------

    def fill(self, contents: QueueContents) -> None:
        """Take what a journal has kept. Who was active then is waiting now, in its old place (DUR-02)."""
        self.paused = contents.paused
        self.schedules = contents.schedules
        self.jobs.update(contents.jobs)
        for job in contents.jobs.values():
            self._fill_one(job)
        ended = (job for job in contents.jobs.values() if job.state in self._finished)
        for job in sorted(ended, key=lambda job: (job.finished_on or 0, job.number)):
            assert job.state is not None  # noqa: S101 - it is completed or failed
            self._finished[job.state][job.id] = None

    def _fill_one(self, job: KeptJob) -> None:
        self._numbers = max(self._numbers, job.number)
        self._places = max(self._places, job.place)
        if job.state == "active":
            job.stalls += 1
            job.state = "waiting"
            self._orphans.append(job)
            self._note(records.moved(self.name, job, "waiting"))
        assert job.state is not None  # noqa: S101 - a record tells it
        self.counts[job.state] = self.counts.get(job.state, 0) + 1
        if job.state == "waiting":
            heapq.heappush(self._waiting, (job.opts.priority, job.place, job))
        elif job.state == "delayed":
            heapq.heappush(self._delayed, (job.due, job.number, job))

    def _tell_orphans(self, max_stalled_count: int) -> list[ClaimedJob]:
        """``stalled`` for each, as nobody could listen at the start; or its end, if once too often."""
        orphans, self._orphans = self._orphans, []
        dead = []
        for job in orphans:
            if self.jobs.get(job.id) is not job:
                continue  # removed meanwhile
            if job.stalls > max_stalled_count:
                dead.append(self._bury(job, max_stalled_count))
            else:
                self.emit("stalled", job.id, None)
        return dead

    def _bury(self, job: KeptJob, max_stalled_count: int) -> ClaimedJob:
        # The way to failed is from active, where the crash had left it.
        self.counts["waiting"] -= 1
        self.counts["active"] = self.counts.get("active", 0) + 1
        job.state = "active"
        job.finished_on = now_ms()
        job.failed_reason = f"job stalled more than {max_stalled_count} times"
        keep = kept(job.opts.remove_on_fail)
        self._rest(job, "stall", "failed", Outcome(job.id, "", "fail", job.failed_reason, keep=keep))
        return ClaimedJob(job.id, job.name, job.data, job.opts, job.attempts_made, "")

    def _draft(self, new: NewJob, now: int) -> KeptJob:
        self._numbers += 1
        job = KeptJob(new.id, new.name, new.data, new.opts, self._numbers, now)
        if new.delay > 0:
            job.state, job.due = "delayed", now + new.delay
        else:
            self._places += 1
            job.state, job.place = "waiting", self._places
        self.drafts[job.id] = job
        return job
