"""What the engine and the provider need of a backend, and nothing more.

A ``JobSource`` stores jobs and moves them between states in atomic steps. It knows no
handlers, no retry policy and no JSON: payloads are text to it, and what an outcome means
for a job has been decided by the engine. One class per backend implements it; the worker
engine, the provider, the dispatcher and the runner are written once, over this.

Two decisions shape it:

- **Acknowledge and claim travel together.** ``exchange`` takes any number of outcomes and
  a claim for free slots, so that a busy worker pays one round trip for many jobs.
- **Time that decides is the backend's.** A source compares due times and locks with its
  own clock where it has one, and speaks of them to the engine as durations from now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from nq_conformance.contract import JobCounts, JobOptions, JobState, QueueEvent


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to store. ``data`` is JSON text; ``opts`` are validated, ``opts.job_id`` is ``id``
    where the caller chose it. ``delay`` is milliseconds from now; 0 or less is due."""

    id: str
    name: str
    data: str
    opts: JobOptions
    delay: int = 0


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job as it is kept; ``data``, ``return_value`` and ``progress`` are JSON text."""

    id: str
    name: str
    data: str
    state: JobState
    opts: JobOptions
    timestamp: int
    processed_on: int | None = None
    finished_on: int | None = None
    attempts_made: int = 0
    return_value: str | None = None
    failed_reason: str | None = None
    progress: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that is now active for whoever holds ``token``. ``attempts_made`` counts finished
    attempts, so that the one to be made has the number ``attempts_made + 1``."""

    id: str
    name: str
    data: str
    opts: JobOptions
    attempts_made: int
    token: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended, or that it was not begun.

    - ``complete``: ``text`` is the result as JSON text.
    - ``retry``: the attempt failed for the reason ``text``; another follows after ``delay``
      milliseconds, and at 0 the job goes behind those that wait in its priority (question 24).
    - ``fail``: the job is failed for good, for the reason ``text``.
    - ``release``: never begun; back to the head of the queue, no attempt counted.

    ``keep`` is how many jobs that ended so the queue retains: ``None`` all, 0 none.
    The source ignores an outcome whose ``token`` no longer holds the job (STL-06).
    """

    job_id: str
    token: str
    kind: Literal["complete", "retry", "fail", "release"]
    text: str = ""
    delay: int = 0
    keep: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish for up to ``want`` jobs, locked for ``lock_duration_ms`` under ``token``.

    ``want`` 0 claims nothing. Stalled jobs met on the way are recovered; one that stalled
    more than ``max_stalled_count`` times is failed.
    """

    want: int
    token: str
    lock_duration_ms: int
    max_stalled_count: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A series as it is kept. ``data`` is JSON text, ``next_at`` epoch ms of the backend's
    clock, ``runs`` how many jobs it has made, ``limit`` how many it may make."""

    id: str
    name: str
    data: str
    opts: JobOptions
    pattern: str
    tz: str | None
    limit: int | None
    next_at: int
    runs: int = 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """The answer to outcomes and a claim.

    ``accepted`` has one entry an outcome, in order: whether its token still held the job.
    ``dead`` are the jobs that were failed for stalling too often. ``due`` are the series
    whose next run is due (never on a paused queue). ``next_in_ms`` is how long from now
    until something delayed, scheduled or locked asks for another look; ``None`` if nothing.
    """

    accepted: Sequence[bool]
    claimed: Sequence[ClaimedJob]
    dead: Sequence[ClaimedJob] = ()
    due: Sequence[Schedule] = ()
    next_in_ms: int | None = None


EventListener: TypeAlias = Callable[[QueueEvent, str | None, str | int | None], None]
"""Called with the event, the job's id (``None`` for ``paused``) and its detail: waiting the
state before, delayed the due time in epoch ms, completed the result as JSON text, failed
the reason, otherwise ``None``. It never raises."""


class Subscription(Protocol):
    """A listener's place in a queue's events."""

    def ready(self) -> Awaitable[None]:
        """Return once no later event can be missed."""
        ...

    def close(self) -> None:
        """End it, at once and idempotently."""


class Watch(Protocol):
    """A worker's ear for new work on one queue."""

    def arm(self) -> None:
        """Ask for one ``notify``, as soon as there may be something to claim."""

    async def close(self) -> None:
        """Stop listening. Idempotent."""


class JobSource(Protocol):
    """One backend. Every method is atomic; all but ``open``, ``close``, ``watch`` and
    ``subscribe`` raise when the backend can't be reached."""

    @property
    def twin(self) -> Callable[[], JobSource] | None:
        """Makes another source over the same place, to be opened and used on an event loop of its
        own; ``None`` where only this process can claim, so that nobody takes a job from it while its
        event loop stands still (STL-10)."""
        ...

    async def open(self) -> None:
        """Connect and create what is missing. Idempotent, safe when called concurrently."""

    async def close(self) -> None:
        """Let go of connections, tasks and files. Idempotent."""

    async def now(self) -> int:
        """The backend's time, in epoch ms."""
        ...

    async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
        """Store jobs in order, all or none; a job whose id is kept already is left as it is.
        Returns the ids in order."""
        ...

    async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
        """Record outcomes, then promote what is due, recover what stalled and claim."""
        ...

    async def extend_locks(
        self, queue: str, held: Sequence[tuple[str, str]], lock_duration_ms: int
    ) -> Sequence[str]:
        """Renew the locks of ``(job id, token)`` pairs; returns the ids that are lost."""
        ...

    async def get(self, queue: str, id: str) -> StoredJob | None:
        """One job, or ``None``."""
        ...

    async def list(
        self, queue: str, states: Collection[JobState], offset: int, limit: int | None
    ) -> Sequence[StoredJob]:
        """Jobs in any of ``states`` in the order of their creation, a page of the merged list."""
        ...

    async def counts(self, queue: str) -> JobCounts:
        """How many jobs are in each state."""
        ...

    async def pause(self, queue: str) -> None:
        """Let no job of the queue be claimed from now on; emits ``paused`` once."""

    async def resume(self, queue: str) -> None:
        """End the pause and wake the workers."""

    async def is_paused(self, queue: str) -> bool:
        """Whether the queue is held."""
        ...

    async def remove(self, queue: str, id: str) -> bool:
        """Remove a job that is not active; whether there was one."""
        ...

    async def put_schedule(self, queue: str, schedule: Schedule) -> None:
        """Store a series; an identical id keeps its ``next_at`` and ``runs`` and takes the rest."""

    async def schedules(self, queue: str) -> Sequence[Schedule]:
        """The series of a queue, by ``next_at``."""
        ...

    async def remove_schedule(self, queue: str, id: str) -> bool:
        """End a series; whether there was one."""
        ...

    async def fire(self, queue: str, due: Schedule, next_at: int | None, job: NewJob) -> bool:
        """Make the job of a due run and set the series to ``next_at`` (``None``: it ends).

        Only if the series still stands at ``due.next_at``: of several that try, one
        succeeds (SCH-11). Returns whether this call did.
        """
        ...

    def watch(self, queue: str, notify: Callable[[], None]) -> Watch:
        """Listen for new work; ``notify`` is called on the event loop."""
        ...

    def subscribe(self, queue: str, listener: EventListener) -> Subscription:
        """Have ``listener`` called for each later event of the queue, in order."""
        ...
