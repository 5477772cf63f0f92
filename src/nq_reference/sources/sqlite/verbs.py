"""The other verbs of a ``JobSource``, each for a transaction and the number of a queue."""

from __future__ import annotations

from collections.abc import Sequence

from nq_conformance.contract import JobCounts, JobState
from nq_reference.codec import encode_options
from nq_reference.job_source import NewJob, Schedule
from nq_reference.sources.sqlite import rows
from nq_reference.sources.sqlite.transaction import Transaction


def add(tx: Transaction, queue: int, jobs: Sequence[NewJob]) -> None:
    """Store jobs in order; one whose id is kept is left as it is (ENQ-06)."""
    for number, job in enumerate(jobs, tx.count(len(jobs))):
        _add(tx, queue, number, job)


def _add(tx: Transaction, queue: int, number: int, job: NewJob) -> None:
    due = tx.now + job.delay if job.delay > 0 else None
    new = tx.run(
        "add",
        number=number,
        queue=queue,
        id=job.id,
        name=job.name,
        data=job.data,
        opts=encode_options(job.opts),
        state="waiting" if due is None else "delayed",
        priority=job.opts.priority,
        due=due,
        now=tx.now,
    )
    if new:
        tx.tell(queue, "waiting" if due is None else "delayed", job.id, due)
        tx.woken.add(queue)


def extend_locks(
    tx: Transaction, queue: int, held: Sequence[tuple[str, str]], lock_duration_ms: int
) -> list[str]:
    """Renew locks; the ids whose lock is lost."""
    until = tx.now + lock_duration_ms
    return [
        id
        for id, token in held
        if not tx.run("extend_locks", queue=queue, id=id, token=token, locked_until=until)
    ]


def counts(tx: Transaction, queue: int) -> JobCounts:
    """How many jobs are in each state; on a held queue, too, they are ``waiting`` (question 4)."""
    found: dict[JobState, int] = dict(tx.rows("counts", queue=queue))
    return JobCounts(**found)


def pause(tx: Transaction, queue: int) -> None:
    """Hold the queue, and say so once."""
    if tx.run("pause", queue=queue):
        tx.tell(queue, "paused", None)


def resume(tx: Transaction, queue: int) -> None:
    """End the pause."""
    tx.run("resume", queue=queue)
    tx.woken.add(queue)


def put_schedule(tx: Transaction, queue: int, series: Schedule) -> None:
    """Store a series, or update one and leave its progress."""
    tx.run("put_schedule", queue=queue, **rows.schedule_parameters(series))
    tx.woken.add(queue)


def fire(tx: Transaction, queue: int, due: Schedule, next_at: int | None, job: NewJob) -> bool:
    """Make a due run's job, unless another has."""
    if next_at is None:
        won = tx.run("remove_schedule", queue=queue, id=due.id, next_at=due.next_at)
    else:
        won = tx.run("advance", queue=queue, id=due.id, next_at=due.next_at, following=next_at)
    if won:
        add(tx, queue, [job])
    return bool(won)
