"""One queue in memory: the rules of a source in their plainest form.

Nothing here awaits, so that the event loop makes each operation atomic. All moves of a
job go through ``move``, which obeys the table of the life cycle.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

from nq_conformance.contract import JobOptions, JobState, QueueEvent
from nq_conformance.contract.lifecycle import TRANSITIONS
from nq_reference.job_source import Claim, ClaimedJob, Exchange, NewJob, Outcome, Schedule
from nq_reference.sources.memory.listening import MemorySubscription, MemoryWatch
from nq_reference.sources.memory.stale import clear_stale

MOST_SURPLUS = 1_000
"""How many jobs beyond those to keep go when one ends; the rest of a long history goes later (RTY-12)."""

_EVENTS: dict[tuple[JobState | None, str, JobState | None], QueueEvent | None] = {
    (t.source, t.verb, t.target): t.event for t in TRANSITIONS
}


@dataclass(slots=True, eq=False)
class JobRecord:
    """A kept job. ``number`` counts jobs as they come, ``place`` its turn among those that
    wait in its priority, ``due`` is in epoch ms, ``token`` its claim's while it is active."""

    id: str
    name: str
    data: str
    opts: JobOptions
    number: int
    timestamp: int
    state: JobState | None = None
    place: int = 0
    due: int = 0
    token: str = ""
    processed_on: int | None = None
    finished_on: int | None = None
    attempts_made: int = 0
    return_value: str | None = None
    failed_reason: str | None = None


class MemoryQueue:
    """Jobs, series, listeners and the pause of one queue.

    The heaps may hold entries of jobs that have been removed since; such an entry is dropped
    when it comes to the top, or with all others of its kind once they are many. Locks never
    expire here: whoever could take over a job would have died together with its owner.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, JobRecord] = {}  # in the order of their creation
        self.paused = False
        self.schedules: dict[str, Schedule] = {}
        self.counts: dict[JobState, int] = {}
        self.listeners: tuple[MemorySubscription, ...] = ()
        self.armed: list[MemoryWatch] = []
        self._waiting: list[tuple[int, int, JobRecord]] = []
        self._delayed: list[tuple[int, int, JobRecord]] = []
        self._finished: dict[JobState, dict[str, None]] = {"completed": {}, "failed": {}}
        self._numbers = 0
        self._places = 0

    # -- what a source asks of it ---------------------------------------------------------

    def add(self, new: NewJob) -> None:
        """Store a job, unless one with its id is kept (ENQ-06)."""
        if new.id in self.jobs:
            return
        self._numbers += 1
        now = now_ms()
        job = JobRecord(new.id, new.name, new.data, new.opts, self._numbers, now)
        self.jobs[new.id] = job
        if new.delay > 0:
            self.delay(job, "enqueue", now + new.delay)
        else:
            self.line_up(job, "enqueue")

    def exchange(self, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
        """Record outcomes, promote what is due, claim."""
        now = now_ms()
        accepted = [self.finish(outcome, now) for outcome in outcomes]
        if self.paused:
            return Exchange(accepted, ())
        self.promote(now)
        claimed = self.claim(claim, now)
        due = [s for s in self.schedules.values() if s.next_at <= now] if self.schedules else ()
        return Exchange(accepted, claimed, due=due, next_in_ms=self._next_in(now))

    def remove(self, job: JobRecord) -> None:
        """Forget a job."""
        for ended in self._finished.values():
            ended.pop(job.id, None)
        left = job.state
        self.move(job, "remove", None)
        del self.jobs[job.id]
        if left == "waiting":
            clear_stale(self._waiting, self.counts["waiting"], _waits)
        elif left == "delayed":
            clear_stale(self._delayed, self.counts["delayed"], _is_due)

    # -- moves ----------------------------------------------------------------------------

    def move(
        self, job: JobRecord, verb: str, target: JobState | None, detail: str | int | None = None
    ) -> None:
        """Put ``job`` into ``target`` and tell the listeners.

        A move that the life cycle's table does not know is a ``KeyError``: a mistake of ours.
        """
        source = job.state
        event = _EVENTS[source, verb, target]
        if source is not None:
            self.counts[source] -= 1
        job.state = target
        if target is not None:
            self.counts[target] = self.counts.get(target, 0) + 1
        if event is not None and self.listeners:
            self.emit(event, job.id, source if event == "waiting" else detail)

    def line_up(self, job: JobRecord, verb: str) -> None:
        """To waiting, behind all that wait in the job's priority."""
        self._places += 1
        job.place = self._places
        self.put_back(job, verb)

    def put_back(self, job: JobRecord, verb: str) -> None:
        """To waiting, where the job stood before."""
        heapq.heappush(self._waiting, (job.opts.priority, job.place, job))
        self.move(job, verb, "waiting")
        self.wake()

    def delay(self, job: JobRecord, verb: str, due: int) -> None:
        """To delayed, until ``due``."""
        job.due = due
        heapq.heappush(self._delayed, (due, job.number, job))
        self.move(job, verb, "delayed", due)
        self.wake()

    def promote(self, now: int) -> None:
        """From delayed to waiting what is due, in the order of due times (ORD-02, ORD-03)."""
        while self._delayed and (self._delayed[0][0] <= now or not _is_due(self._delayed[0])):
            entry = heapq.heappop(self._delayed)
            if _is_due(entry):
                self.line_up(entry[2], "promote")

    def claim(self, claim: Claim, now: int) -> list[ClaimedJob]:
        """From waiting to active, the lowest priority number and the longest wait first."""
        claimed: list[ClaimedJob] = []
        while self._waiting and len(claimed) < claim.want:
            entry = heapq.heappop(self._waiting)
            if not _waits(entry):
                continue
            job = entry[2]
            job.token = claim.token
            job.processed_on = now
            self.move(job, "claim", "active")
            claimed.append(ClaimedJob(job.id, job.name, job.data, job.opts, job.attempts_made, job.token))
        return claimed

    def finish(self, outcome: Outcome, now: int) -> bool:
        """Record how an attempt ended, if its token still holds the job (STL-06)."""
        job = self.jobs.get(outcome.job_id)
        if job is None or job.state != "active" or job.token != outcome.token:
            return False
        job.token = ""
        if outcome.kind == "release":
            self.put_back(job, "release")
        elif outcome.kind == "retry":
            self.retry(job, outcome, now)
        else:
            self.end(job, outcome, now)
        return True

    def retry(self, job: JobRecord, outcome: Outcome, now: int) -> None:
        """To delayed, or behind those that wait (question 24)."""
        job.attempts_made += 1
        job.failed_reason = outcome.text
        if outcome.delay > 0:
            self.delay(job, "retry", now + outcome.delay)
        else:
            self.line_up(job, "retry")

    def end(self, job: JobRecord, outcome: Outcome, now: int) -> None:
        """To completed or failed, and the oldest beyond ``keep`` away (RTY-12), but for a long history."""
        job.attempts_made += 1
        job.finished_on = now
        if outcome.kind == "complete":
            job.return_value, job.failed_reason = outcome.text, None
            self._rest(job, "complete", "completed", outcome)
        else:
            job.failed_reason = outcome.text
            self._rest(job, "fail", "failed", outcome)

    def _rest(self, job: JobRecord, verb: str, state: JobState, outcome: Outcome) -> None:
        finished = self._finished[state]
        finished[job.id] = None
        self.move(job, verb, state, outcome.text)
        if outcome.keep == 0:
            self.remove(job)  # this one alone: the others did not ask for it (RTY-11)
        elif outcome.keep is not None:
            surplus = min(max(0, len(finished) - outcome.keep), MOST_SURPLUS)
            for id in [*itertools.islice(finished, surplus)]:
                self.remove(self.jobs[id])

    # -- telling --------------------------------------------------------------------------

    def emit(self, event: QueueEvent, job_id: str | None, detail: str | int | None) -> None:
        """Call the listeners, but for those that an earlier one has ended (EVT-07)."""
        for subscription in self.listeners:
            if not subscription.closed:
                subscription.listener(event, job_id, detail)

    def wake(self) -> None:
        """Notify each worker that waits, once."""
        if self.armed:
            armed, self.armed = self.armed, []
            for watch in armed:
                watch.notify()

    def _next_in(self, now: int) -> int | None:
        moments = [s.next_at for s in self.schedules.values()]
        if self._delayed:
            moments.append(self._delayed[0][0])
        return max(0, min(moments) - now) if moments else None


def now_ms() -> int:
    """This machine's time, in epoch ms."""
    return time.time_ns() // 1_000_000


def _waits(entry: tuple[int, int, JobRecord]) -> bool:
    return entry[2].state == "waiting" and entry[2].place == entry[1]


def _is_due(entry: tuple[int, int, JobRecord]) -> bool:
    return entry[2].state == "delayed" and entry[2].due == entry[0]
