"""What a sequence is made of. Plain values: a sequence can be kept, compared and played again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

from nq_conformance.contract import JobState
from nq_conformance.model.world import Rest

REST_MS: Final[dict[Rest, int]] = {"": 0, "short": 30, "long": 3_600_000}
"""Milliseconds for a rest: one that is over soon, and one that outlasts every run."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, on one of the queues. ``via`` is the number of the instance that is called;
    ``rules`` are those that say what must come of it."""

    rules: ClassVar[tuple[str, ...]] = ()
    queue: int = 0
    via: int = 0


@dataclass(frozen=True, slots=True)
class Enqueue(Step):
    """Enqueue one job, or ``schedule`` it once where ``scheduled``. The rest as in ``JobOptions``,
    with words for durations."""

    rules: ClassVar[tuple[str, ...]] = ("ENQ-02", "ENQ-06", "ENQ-08", "ORD-01", "PRI-02", "PRI-05", "QRY-09")
    job_id: str | None = None
    priority: int = 0
    attempts: int = 1
    backoff: Rest = ""
    delay: Rest = ""
    scheduled: bool = False
    remove_on_complete: bool | int = False
    remove_on_fail: bool | int = False


@dataclass(frozen=True, slots=True)
class Pause(Step):
    """Hold the queue."""

    rules: ClassVar[tuple[str, ...]] = ("PAU-01", "PAU-02", "PAU-05", "CNT-04")


@dataclass(frozen=True, slots=True)
class Resume(Step):
    """Let it go on."""

    rules: ClassVar[tuple[str, ...]] = ("PAU-04", "PAU-05", "PAU-07", "PAU-10", "ORD-05")


@dataclass(frozen=True, slots=True)
class Finish(Step):
    """Let a running handler succeed: the one of this number, counted round. None may run."""

    rules: ClassVar[tuple[str, ...]] = ("QRY-10", "PAU-03", "RTY-11", "RTY-12", "CON-01")
    which: int = 0


@dataclass(frozen=True, slots=True)
class Fail(Step):
    """Let a running handler raise: the one of this number, counted round. None may run."""

    rules: ClassVar[tuple[str, ...]] = ("RTY-01", "RTY-03", "RTY-06", "RTY-11", "RTY-12", "ORD-04")
    which: int = 0


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Let short delays and backoffs pass."""

    rules: ClassVar[tuple[str, ...]] = ("SCH-03", "RTY-04", "PAU-07", "PAU-10")


@dataclass(frozen=True, slots=True)
class Look(Step):
    """Look up a job by the id of the one enqueued as this number, counted round."""

    rules: ClassVar[tuple[str, ...]] = ("QRY-01", "QRY-08")
    which: int = 0


@dataclass(frozen=True, slots=True)
class Browse(Step):
    """List the jobs in ``states``, all of them and a page."""

    rules: ClassVar[tuple[str, ...]] = ("QRY-04", "QRY-05", "QRY-07")
    states: tuple[JobState, ...] = ()
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Quiet(Step):
    """Do nothing, while jobs run elsewhere: what must not happen has its chance."""

    rules: ClassVar[tuple[str, ...]] = ("PAU-02", "PAU-05", "CON-01")


@dataclass(frozen=True, slots=True)
class Reopen(Step):
    """Close workers and instances, and open them again on the same data."""

    rules: ClassVar[tuple[str, ...]] = ("ORD-06", "PAU-08", "DUR-03", "RTY-07", "SCH-06")


Steps: TypeAlias = tuple[Step, ...]


def rules_of(steps: Steps) -> tuple[str, ...]:
    """The rules that a sequence is about, each once."""
    return tuple(dict.fromkeys(rule for step in reversed(steps) for rule in step.rules))
