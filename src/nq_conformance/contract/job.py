"""Values: a job, what it is made from, and how jobs are asked for.

Plain immutable data and nothing else: no validation (an adapter refuses bad input
at ``enqueue``, and the kit must be able to hand it bad input), no behaviour, no I/O.
Durations are integer milliseconds, points in time are integer epoch milliseconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

JobState: TypeAlias = Literal["waiting", "active", "completed", "failed", "delayed", "paused"]
JOB_STATES: tuple[JobState, ...] = ("waiting", "active", "completed", "failed", "delayed", "paused")

JSONValue: TypeAlias = "bool | int | float | str | Sequence[JSONValue] | Mapping[str, JSONValue] | None"
"""Any JSON value: the payload of a job and the result of a handler (contract, question 21)."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a failed job rests before its next attempt.

    ``delay`` is in milliseconds. ``fixed`` waits it after every failure; ``exponential``
    waits ``delay * 2 ** (n - 1)`` after failure ``n`` (RTY-04, RTY-05).
    """

    type: Literal["fixed", "exponential"]
    delay: int


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How one job is to be treated.

    - ``job_id``: the id to use. While a job with this id is kept on the queue, in any
      state, a second enqueue returns the id and changes nothing (ENQ-06).
    - ``attempts``: how often the handler may be called at most; 0 counts as 1 (RTY-01).
    - ``delay``: milliseconds before the job may start (SCH-03).
    - ``priority``: 0 or unset runs first, then ascending (PRI-01, PRI-02).
    - ``timeout``: milliseconds that one attempt may take (RTY-10).
    - ``remove_on_complete``, ``remove_on_fail``: ``True`` removes the job when it ends so,
      a number keeps the newest that many of the queue (RTY-11, RTY-12).
    """

    job_id: str | None = None
    attempts: int = 1
    backoff: Backoff | None = None
    delay: int = 0
    priority: int = 0
    timeout: int | None = None
    remove_on_complete: bool | int = False
    remove_on_fail: bool | int = False


@dataclass(frozen=True, slots=True)
class JobInput:
    """What ``enqueue`` takes: the job's name (it selects the handler), payload and options."""

    name: str
    data: JSONValue = None
    opts: JobOptions | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A snapshot of one job; it does not change when the job does (ENQ-10).

    ``timestamp`` is when it was enqueued, ``processed_on`` when its latest attempt began,
    ``finished_on`` when it ended; ``attempts_made`` counts finished attempts (question 8).
    """

    id: str
    name: str
    data: JSONValue
    state: JobState
    timestamp: int
    processed_on: int | None = None
    finished_on: int | None = None
    attempts_made: int = 0
    return_value: JSONValue = None
    failed_reason: str | None = None
    progress: JSONValue = None
    opts: JobOptions = JobOptions()


@dataclass(frozen=True, slots=True)
class JobsQuery:
    """Which jobs ``get_jobs`` returns: those in ``state`` (``None`` or empty: in any), oldest
    first; ``offset`` and ``limit`` count over the merged list (QRY-05, question 18)."""

    state: Collection[JobState] | None = None
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How many jobs of a queue are in each state; every job counts once (CNT-03)."""

    active: int = 0
    completed: int = 0
    failed: int = 0
    delayed: int = 0
    waiting: int = 0
    paused: int = 0


@dataclass(frozen=True, slots=True)
class Repeat:
    """A series of runs: a cron ``pattern``, ended after ``limit`` runs where one is given (SCH-09)."""

    pattern: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class ScheduleOptions:
    """When a job is to run: once after ``delay`` milliseconds, or in a series.

    ``cron`` is short for ``Repeat(pattern=cron)``. Patterns have the five usual fields, or
    six with seconds first where the adapter declares ``cron_seconds``. They are read in
    UTC, or in the IANA zone ``tz`` (SCH-12, question 16).
    """

    delay: int | None = None
    cron: str | None = None
    repeat: Repeat | None = None
    tz: str | None = None
