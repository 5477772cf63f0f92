"""Jobs in this process's memory: the rules of a source in their plainest form.

Every method runs without awaiting, so that the event loop makes it atomic. Locks never
expire here: whoever could take over a job would die together with its owner.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from nq_conformance.contract import JobCounts, JobOptions, JobState, QueueEvent
from nq_conformance.contract.lifecycle import TRANSITIONS
from nq_reference.job_source import (
    Claim,
    ClaimedJob,
    EventListener,
    Exchange,
    NewJob,
    Outcome,
    Schedule,
    StoredJob,
)

_MOVES: dict[tuple[JobState | None, str, JobState | None], QueueEvent | None] = {
    (t.source, t.verb, t.target): t.event for t in TRANSITIONS
}


@dataclass(slots=True, eq=False)
class _Job:
    """A job's record. ``place`` is its turn among those that wait in its priority."""

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


@dataclass(slots=True, eq=False)
class _Queue:
    """One queue. The heaps may hold entries of jobs that have moved on; ``_waits`` and
    ``_is_due`` tell, and such entries are dropped when they come to the top."""

    name: str
    jobs: dict[str, _Job] = field(default_factory=dict)
    waiting: list[tuple[int, int, _Job]] = field(default_factory=list)
    delayed: list[tuple[int, int, _Job]] = field(default_factory=list)
    finished: dict[JobState, dict[str, None]] = field(default_factory=lambda: {"completed": {}, "failed": {}})
    counts: dict[JobState | None, int] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    paused: bool = False
    numbers: int = 0
    places: int = 0
    listeners: tuple[MemorySubscription, ...] = ()
    armed: list[MemoryWatch] = field(default_factory=list)


class MemorySource:
    """A ``JobSource`` without any backend. All instances are independent of each other."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Forget everything."""
        self._queues.clear()

    async def now(self) -> int:
        """This machine's clock."""
        return _now()

    # -- storing and moving --------------------------------------------------------------

    async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
        """Store jobs that are not there yet."""
        q = self._queue(queue)
        for new in jobs:
            if new.id not in q.jobs:
                _add(q, new)
        return [new.id for new in jobs]

    async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
        """Record outcomes, promote what is due, claim."""
        q = self._queue(queue)
        now = _now()
        accepted = [_finish(q, outcome, now) for outcome in outcomes]
        if q.paused:
            return Exchange(accepted, ())
        _promote(q, now)
        claimed = _claim(q, claim, now)
        due = [s for s in q.schedules.values() if s.next_at <= now]
        return Exchange(accepted, claimed, due=due, next_in_ms=_next_in(q, now))

    async def extend_locks(
        self, queue: str, held: Sequence[tuple[str, str]], lock_duration_ms: int
    ) -> Sequence[str]:
        """Nothing to renew; tells which jobs are held no longer."""
        del lock_duration_ms
        jobs = self._queue(queue).jobs
        return [id for id, token in held if id not in jobs or jobs[id].token != token]

    async def remove(self, queue: str, id: str) -> bool:
        """Remove a job unless it is active."""
        q = self._queue(queue)
        job = q.jobs.get(id)
        if job is None or job.state == "active":
            return False
        _remove(q, job)
        return True

    # -- questions -----------------------------------------------------------------------

    async def get(self, queue: str, id: str) -> StoredJob | None:
        """One job."""
        job = self._queue(queue).jobs.get(id)
        return None if job is None else _snapshot(job)

    async def list(
        self, queue: str, states: Collection[JobState], offset: int, limit: int | None
    ) -> Sequence[StoredJob]:
        """Jobs in any of ``states``; a dict keeps the order of creation."""
        found = [job for job in self._queue(queue).jobs.values() if job.state in states]
        end = None if limit is None else offset + limit
        return [_snapshot(job) for job in found[offset:end]]

    async def counts(self, queue: str) -> JobCounts:
        """How many jobs are in each state."""
        counts = self._queue(queue).counts
        return JobCounts(**{state: n for state, n in counts.items() if state is not None})

    # -- pause ---------------------------------------------------------------------------

    async def pause(self, queue: str) -> None:
        """Hold the queue."""
        q = self._queue(queue)
        if not q.paused:
            q.paused = True
            _emit(q, "paused", None, None)

    async def resume(self, queue: str) -> None:
        """Let it go on."""
        q = self._queue(queue)
        q.paused = False
        _wake(q)

    async def is_paused(self, queue: str) -> bool:
        """Whether it is held."""
        return self._queue(queue).paused

    # -- series --------------------------------------------------------------------------

    async def put_schedule(self, queue: str, schedule: Schedule) -> None:
        """Store a series, or update one and leave its progress."""
        q = self._queue(queue)
        known = q.schedules.get(schedule.id)
        if known is not None:
            schedule = replace(schedule, next_at=known.next_at, runs=known.runs)
        q.schedules[schedule.id] = schedule
        _wake(q)

    async def schedules(self, queue: str) -> Sequence[Schedule]:
        """The series, by next run."""
        return sorted(self._queue(queue).schedules.values(), key=lambda s: s.next_at)

    async def remove_schedule(self, queue: str, id: str) -> bool:
        """End a series."""
        return self._queue(queue).schedules.pop(id, None) is not None

    async def fire(self, queue: str, due: Schedule, next_at: int | None, job: NewJob) -> bool:
        """Make a due run's job, once."""
        q = self._queue(queue)
        known = q.schedules.get(due.id)
        if known is None or known.next_at != due.next_at:
            return False
        if next_at is None:
            del q.schedules[due.id]
        else:
            q.schedules[due.id] = replace(known, next_at=next_at, runs=known.runs + 1)
        _add(q, job)
        return True

    # -- listening -----------------------------------------------------------------------

    def watch(self, queue: str, notify: Callable[[], None]) -> MemoryWatch:
        """Listen for new work."""
        return MemoryWatch(self._queue(queue), notify)

    def subscribe(self, queue: str, listener: EventListener) -> MemorySubscription:
        """Listen for events."""
        q = self._queue(queue)
        subscription = MemorySubscription(q, listener)
        q.listeners = (*q.listeners, subscription)
        return subscription

    def _queue(self, name: str) -> _Queue:
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = _Queue(name)
        return queue


class MemoryWatch:
    """See ``Watch``."""

    def __init__(self, queue: _Queue, notify: Callable[[], None]) -> None:
        self._queue = queue
        self.notify = notify

    def arm(self) -> None:
        """Ask for one notification."""
        if self not in self._queue.armed:
            self._queue.armed.append(self)

    async def close(self) -> None:
        """Stop listening."""
        if self in self._queue.armed:
            self._queue.armed.remove(self)


class MemorySubscription:
    """See ``Subscription``. It listens at once."""

    def __init__(self, queue: _Queue, listener: EventListener) -> None:
        self._queue = queue
        self.listener = listener
        self.closed = False

    async def ready(self) -> None:
        """Nothing to wait for."""

    def close(self) -> None:
        """End it."""
        self.closed = True
        self._queue.listeners = tuple(s for s in self._queue.listeners if s is not self)


# -- moves: each changes one job's state, by the table of the life cycle ----------------------


def _move(q: _Queue, job: _Job, verb: str, target: JobState | None, detail: str | int | None = None) -> None:
    """Put ``job`` into ``target`` and tell the listeners. A move that the table does not
    know is a ``KeyError``: a mistake of ours."""
    source = job.state
    event = _MOVES[source, verb, target]
    if source is not None:
        q.counts[source] -= 1
    job.state = target
    if target is not None:
        q.counts[target] = q.counts.get(target, 0) + 1
    if event is not None and q.listeners:
        _emit(q, event, job.id, source if event == "waiting" else detail)


def _add(q: _Queue, new: NewJob) -> None:
    now = _now()
    q.numbers += 1
    job = _Job(new.id, new.name, new.data, new.opts, q.numbers, now)
    q.jobs[new.id] = job
    if new.delay > 0:
        _delay(q, job, "enqueue", now + new.delay)
    else:
        _line_up(q, job, "enqueue")


def _line_up(q: _Queue, job: _Job, verb: str) -> None:
    """Behind all that wait in the job's priority."""
    q.places += 1
    job.place = q.places
    _put_back(q, job, verb)


def _put_back(q: _Queue, job: _Job, verb: str) -> None:
    """Where the job stood before."""
    heapq.heappush(q.waiting, (job.opts.priority, job.place, job))
    _move(q, job, verb, "waiting")
    _wake(q)


def _delay(q: _Queue, job: _Job, verb: str, due: int) -> None:
    job.due = due
    heapq.heappush(q.delayed, (due, job.number, job))
    _move(q, job, verb, "delayed", due)
    _wake(q)


def _promote(q: _Queue, now: int) -> None:
    while q.delayed and (q.delayed[0][0] <= now or not _is_due(q.delayed[0])):
        entry = heapq.heappop(q.delayed)
        if _is_due(entry):
            _line_up(q, entry[2], "promote")


def _claim(q: _Queue, claim: Claim, now: int) -> list[ClaimedJob]:
    claimed: list[ClaimedJob] = []
    while q.waiting and len(claimed) < claim.want:
        entry = heapq.heappop(q.waiting)
        if not _waits(entry):
            continue
        job = entry[2]
        job.token = claim.token
        job.processed_on = now
        _move(q, job, "claim", "active")
        claimed.append(ClaimedJob(job.id, job.name, job.data, job.opts, job.attempts_made, job.token))
    return claimed


def _finish(q: _Queue, outcome: Outcome, now: int) -> bool:
    job = q.jobs.get(outcome.job_id)
    if job is None or job.state != "active" or job.token != outcome.token:
        return False
    job.token = ""
    if outcome.kind == "release":
        _put_back(q, job, "release")
        return True
    job.attempts_made += 1
    if outcome.kind == "retry":
        job.failed_reason = outcome.text
        if outcome.delay > 0:
            _delay(q, job, "retry", now + outcome.delay)
        else:
            _line_up(q, job, "retry")
        return True
    job.finished_on = now
    if outcome.kind == "complete":
        job.return_value, job.failed_reason = outcome.text, None
        _end(q, job, "complete", "completed", outcome)
    else:
        job.failed_reason = outcome.text
        _end(q, job, "fail", "failed", outcome)
    return True


def _end(q: _Queue, job: _Job, verb: str, state: JobState, outcome: Outcome) -> None:
    finished = q.finished[state]
    finished[job.id] = None
    _move(q, job, verb, state, outcome.text)
    if outcome.keep is not None:
        while len(finished) > outcome.keep:
            _remove(q, q.jobs[next(iter(finished))])


def _remove(q: _Queue, job: _Job) -> None:
    for ended in q.finished.values():
        ended.pop(job.id, None)
    _move(q, job, "remove", None)
    del q.jobs[job.id]


# -- looking ----------------------------------------------------------------------------------


def _waits(entry: tuple[int, int, _Job]) -> bool:
    return entry[2].state == "waiting" and entry[2].place == entry[1]


def _is_due(entry: tuple[int, int, _Job]) -> bool:
    return entry[2].state == "delayed" and entry[2].due == entry[0]


def _next_in(q: _Queue, now: int) -> int | None:
    moments = [s.next_at for s in q.schedules.values()]
    if q.delayed:
        moments.append(q.delayed[0][0])
    return max(0, min(moments) - now) if moments else None


def _snapshot(job: _Job) -> StoredJob:
    assert job.state is not None  # noqa: S101 - only kept jobs are shown
    return StoredJob(
        job.id,
        job.name,
        job.data,
        job.state,
        job.opts,
        job.timestamp,
        job.processed_on,
        job.finished_on,
        job.attempts_made,
        job.return_value,
        job.failed_reason,
    )


def _emit(q: _Queue, event: QueueEvent, job_id: str | None, detail: str | int | None) -> None:
    for subscription in q.listeners:
        if not subscription.closed:  # an earlier listener may have ended it (EVT-07)
            subscription.listener(event, job_id, detail)


def _wake(q: _Queue) -> None:
    armed, q.armed = q.armed, []
    for watch in armed:
        watch.notify()


def _now() -> int:
    return time.time_ns() // 1_000_000
