"""One state that a queue may be in, and what may happen to it: the contract as a pure function.

Times are words here: a job rests ``"short"``, so that its time may come at any moment, or
``"long"``, so that it never comes. Nothing waits, and nothing knows of an adapter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from nq_conformance.contract import JobState
from nq_conformance.contract.lifecycle import find

Rest: TypeAlias = Literal["", "short", "long"]


@dataclass(frozen=True, slots=True)
class ModelJob:
    """One kept job. ``number`` says as which it was enqueued, ``id`` only an id that was given.

    ``keep_completed`` and ``keep_failed`` are how many jobs that ended so are kept when this one
    ends: all for ``None``, none but the others for 0. ``rest`` is how long it is delayed.
    ``turn`` is its place among those that wait; ``None`` after a delay, when the contract does not
    say whom it goes before. ``ended`` counts ends, ``made`` ended attempts.
    """

    number: int
    id: str | None = None
    priority: int = 0
    attempts: int = 1
    backoff: Rest = ""
    keep_completed: int | None = None
    keep_failed: int | None = None
    state: JobState = "waiting"
    rest: Rest = ""
    turn: int | None = None
    made: int = 0
    ended: int = 0

    def moved(self, verb: str, target: JobState) -> ModelJob:
        """The job after a move. Raises ``ValueError`` for one that the life cycle does not have."""
        move = find(self.state, verb, target)
        if move is None:
            raise ValueError(f"the life of a job has no move {verb!r} from {self.state} to {target}")
        return replace(self, state=target, rest="", made=self.made + move.ends_attempt)


@dataclass(frozen=True, slots=True)
class World:
    """A queue with one worker: its kept jobs in the order of their creation, and its pause.

    ``starts`` counts calls of the handler; ``ticks`` numbers turns and ends.
    """

    concurrency: int = 1
    jobs: tuple[ModelJob, ...] = ()
    paused: bool = False
    starts: int = 0
    ticks: int = 0

    # -- what a caller does ---------------------------------------------------------------

    def enqueue(self, job: ModelJob) -> World:
        """With ``job``, delayed where it rests; unchanged if one of its id is kept (ENQ-06)."""
        if job.id is not None and any(kept.id == job.id for kept in self.jobs):
            return self
        new = replace(job, state="delayed") if job.rest else replace(job, turn=self.ticks)
        return replace(self, jobs=(*self.jobs, new), ticks=self.ticks + 1)

    def pause(self) -> World:
        """Held (PAU-01)."""
        return replace(self, paused=True)

    def resume(self) -> World:
        """Held no more; what rests goes on resting (PAU-10)."""
        return replace(self, paused=False)

    # -- what a handler does --------------------------------------------------------------

    def finish(self, number: int) -> World:
        """The attempt at job ``number`` succeeds."""
        job = self.job(number)
        return self._end(job.moved("complete", "completed"), job.keep_completed)

    def fail(self, number: int) -> World:
        """The attempt at job ``number`` fails: it is tried again, or ends (RTY-01)."""
        job = self.job(number)
        if job.made + 1 >= job.attempts:
            return self._end(job.moved("fail", "failed"), job.keep_failed)
        if job.backoff:
            return self._with(replace(job.moved("retry", "delayed"), rest=job.backoff))
        behind_all = replace(job.moved("retry", "waiting"), turn=self.ticks)  # ORD-04
        return replace(self._with(behind_all), ticks=self.ticks + 1)

    # -- what workers and time do ---------------------------------------------------------

    def moves(self) -> Iterator[World]:
        """The worlds that this one may become by itself, in one move."""
        for job in self.jobs:
            if job.rest == "short":
                yield self._with(replace(job.moved("promote", "waiting"), turn=None))
        if self._has_slot:
            for job in self._next():
                yield replace(self._with(job.moved("claim", "active")), starts=self.starts + 1)

    def is_at_rest(self, *, all_due: bool = False) -> bool:
        """Whether nothing must happen by itself; with ``all_due`` when every short rest is over.

        A job that is due need not be shown as waiting before there is a slot for it.
        """
        overdue = all_due and any(job.rest == "short" for job in self.jobs)
        waits = overdue or any(job.state == "waiting" for job in self.jobs)
        return not (waits and self._has_slot)

    # -- questions ------------------------------------------------------------------------

    def job(self, number: int) -> ModelJob:
        """The kept job of this number; ``KeyError`` if there is none."""
        for job in self.jobs:
            if job.number == number:
                return job
        raise KeyError(number)

    @property
    def active(self) -> tuple[int, ...]:
        """The numbers of the jobs whose handler runs."""
        return tuple(job.number for job in self.jobs if job.state == "active")

    @property
    def _has_slot(self) -> bool:
        return not self.paused and len(self.active) < self.concurrency

    def _next(self) -> list[ModelJob]:
        """Those of which one is claimed next: of the best priority (PRI-01, PRI-02), and at
        concurrency 1 of those with a turn only the first (ORD-01)."""
        waiting = [job for job in self.jobs if job.state == "waiting"]
        lowest = min((job.priority for job in waiting), default=0)
        best = [job for job in waiting if job.priority == lowest]
        first = min((job.turn for job in best if job.turn is not None), default=None)
        return [job for job in best if self.concurrency > 1 or job.turn in (None, first)]

    # -- changes --------------------------------------------------------------------------

    def _with(self, changed: ModelJob) -> World:
        jobs = (changed if job.number == changed.number else job for job in self.jobs)
        return replace(self, jobs=tuple(jobs))

    def _end(self, job: ModelJob, keep: int | None) -> World:
        """``job`` has ended, and what is kept no longer is gone (RTY-11, RTY-12)."""
        ended = replace(job, ended=self.ticks)
        world = replace(self._with(ended), ticks=self.ticks + 1)
        alike = sorted((j for j in world.jobs if j.state == job.state), key=lambda j: -j.ended)
        gone = [] if keep is None else [ended] if keep == 0 else alike[keep:]
        return replace(world, jobs=tuple(j for j in world.jobs if j not in gone))
