"""The ``JobSource`` over queues in memory. What happens in a queue is in ``queue.py``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from nq_conformance.contract import JobCounts, JobState
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
from nq_reference.sources.memory.listening import MemorySubscription, MemoryWatch
from nq_reference.sources.memory.queue import JobRecord, MemoryQueue, now_ms


class MemorySource:
    """Queues without any backend. All sources are independent of each other."""

    queue_class: type[MemoryQueue] = MemoryQueue
    twin: Callable[[], JobSource] | None = None

    def __init__(self) -> None:
        self._queues: dict[str, MemoryQueue] = {}

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Forget everything."""
        self._queues.clear()

    async def now(self) -> int:
        """The time here, in epoch ms."""
        return now_ms()

    async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
        """Store jobs that are not there yet."""
        q = self.queue(queue)
        for job in jobs:
            q.add(job)
        return [job.id for job in jobs]

    async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
        """Record outcomes, promote what is due, claim."""
        return self.queue(queue).exchange(outcomes, claim)

    async def extend_locks(
        self, queue: str, held: Sequence[tuple[str, str]], lock_duration_ms: int
    ) -> Sequence[str]:
        """Nothing to renew; tells which jobs are held no longer."""
        del lock_duration_ms
        jobs = self.queue(queue).jobs
        return [id for id, token in held if id not in jobs or jobs[id].token != token]

    async def remove(self, queue: str, id: str) -> bool:
        """Remove a job unless it is active."""
        q = self.queue(queue)
        job = q.jobs.get(id)
        if job is None or job.state == "active":
            return False
        q.remove(job)
        return True

    async def get(self, queue: str, id: str) -> StoredJob | None:
        """One job."""
        job = self.queue(queue).jobs.get(id)
        return None if job is None else _snapshot(job)

    async def list(
        self, queue: str, states: Collection[JobState], offset: int, limit: int | None
    ) -> Sequence[StoredJob]:
        """Jobs in any of ``states``."""
        found = [job for job in self.queue(queue).jobs.values() if job.state in states]
        end = None if limit is None else offset + limit
        return [_snapshot(job) for job in found[offset:end]]

    async def counts(self, queue: str) -> JobCounts:
        """How many jobs are in each state."""
        return JobCounts(**self.queue(queue).counts)

    async def pause(self, queue: str) -> None:
        """Hold the queue."""
        q = self.queue(queue)
        if not q.paused:
            q.paused = True
            q.emit("paused", None, None)

    async def resume(self, queue: str) -> None:
        """Let it go on."""
        q = self.queue(queue)
        q.paused = False
        q.wake()

    async def is_paused(self, queue: str) -> bool:
        """Whether it is held."""
        return self.queue(queue).paused

    async def put_schedule(self, queue: str, schedule: Schedule) -> None:
        """Store a series, or update one and leave its progress."""
        q = self.queue(queue)
        known = q.schedules.get(schedule.id)
        if known is not None:
            schedule = replace(schedule, next_at=known.next_at, runs=known.runs)
        q.schedules[schedule.id] = schedule
        q.wake()

    async def schedules(self, queue: str) -> Sequence[Schedule]:
        """The series, by next run."""
        return sorted(self.queue(queue).schedules.values(), key=lambda s: s.next_at)

    async def remove_schedule(self, queue: str, id: str) -> bool:
        """End a series."""
        return self.queue(queue).schedules.pop(id, None) is not None

    async def fire(self, queue: str, due: Schedule, next_at: int | None, job: NewJob) -> bool:
        """Make a due run's job, once."""
        q = self.queue(queue)
        known = q.schedules.get(due.id)
        if known is None or known.next_at != due.next_at:
            return False
        if next_at is None:
            del q.schedules[due.id]
        else:
            q.schedules[due.id] = replace(known, next_at=next_at, runs=known.runs + 1)
        q.add(job)
        return True

    def watch(self, queue: str, notify: Callable[[], None]) -> MemoryWatch:
        """Listen for new work."""
        return MemoryWatch(self.queue(queue), notify)

    def subscribe(self, queue: str, listener: EventListener) -> MemorySubscription:
        """Listen for events."""
        q = self.queue(queue)
        subscription = MemorySubscription(q, listener)
        q.listeners = (*q.listeners, subscription)
        return subscription

    def queue(self, name: str) -> MemoryQueue:
        """The queue of this name, made when first asked for."""
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = self.queue_class()
        return queue


def _snapshot(job: JobRecord) -> StoredJob:
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
