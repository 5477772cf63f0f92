"""QueueProvider: manages queues, and nothing else (seed section 1).

A provider never runs a handler. Everything it promises holds with no worker anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from nq_conformance.contract.events import QueueCallback, QueueEvent
from nq_conformance.contract.job import Job, JobCounts, JobInput, JobsQuery, ScheduleOptions


@runtime_checkable
class QueueProvider(Protocol):
    """Stores jobs, answers questions about them, pauses queues, and tells what happens.

    Any method called before ``init`` initialises or raises (LIFE-02); any called after
    ``close`` raises a closed error (LIFE-03). A backend that can't be reached raises too:
    an empty answer always means that there is nothing (CNT-05).
    """

    async def init(self) -> None:
        """Make ready for work. Idempotent, also when called concurrently (LIFE-01)."""

    async def close(self) -> None:
        """Let go of everything held, in bounded time. Idempotent (LIFE-03, LIFE-08)."""

    async def enqueue(self, queue_name: str, job: JobInput) -> str:
        """Store ``job`` and return its id; when this has returned, ``get_job`` finds it (ENQ-02).

        Needs no worker and no earlier mention of the queue (ENQ-03). Raises for bad names,
        options, or data that JSON can't hold, and then leaves neither job nor event (ENQ-04).
        """
        ...

    async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
        """Store ``job`` to run later, or as a series.

        Without options like ``enqueue``; with ``delay`` the id is that of the job that runs
        (SCH-02); with ``cron`` or ``repeat`` it is a schedule's id, the same for the same
        queue, name and pattern (question 15). Raises for patterns that are invalid or never
        match (SCH-07).
        """
        ...

    async def get_job(self, queue_name: str, id: str) -> Job | None:
        """The job as it is now, or ``None`` for an id that is not of this queue (QRY-01, QRY-02)."""
        ...

    async def get_jobs(self, queue_name: str, query: JobsQuery | None = None) -> Sequence[Job]:
        """The jobs that ``query`` asks for, oldest first. Raises for negative numbers (QRY-06)."""
        ...

    async def pause(self, queue_name: str) -> None:
        """Hold the queue: once this has returned no handler of it starts, in any process (PAU-02)."""

    async def resume(self, queue_name: str) -> None:
        """End the pause: the backlog runs, in its order, with no further call (PAU-04, ORD-05)."""

    async def is_paused(self, queue_name: str) -> bool:
        """Whether the queue is held; a worker's ``autorun`` does not matter here (DSP-07)."""
        ...

    async def get_job_counts(self, queue_name: str) -> JobCounts:
        """How many jobs are in each state; all zero for a queue never seen (CNT-01)."""
        ...

    def on(self, queue_name: str, event: QueueEvent, callback: QueueCallback) -> Callable[[], None]:
        """Call ``callback`` for each later ``event`` of the queue; returns the unsubscribe.

        The unsubscribe may have a ``ready`` method to be awaited, see ``Unsubscribe``.
        """
        ...


class OptionalOperations(Protocol):
    """What a provider may offer beyond the contract; each is declared as a capability."""

    async def enqueue_many(self, queue_name: str, jobs: Sequence[JobInput]) -> Sequence[str]:
        """Store all of ``jobs``, in order, or none; returns their ids in the same order."""
        ...

    async def remove_job(self, queue_name: str, id: str) -> bool:
        """Remove a job that is not active; whether there was one."""
        ...

    async def get_scheduled_jobs(self, queue_name: str) -> Sequence[object]:
        """The series of a queue, each with at least ``id``, ``name``, ``pattern``, ``next_at`` (epoch ms)."""
        ...

    async def remove_scheduled_job(self, queue_name: str, id: str) -> bool:
        """End a series; whether there was one."""
        ...
