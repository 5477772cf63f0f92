"""What one test of the suite had to say about one adapter on one event loop.

Values only, and their way through JSON, because under pytest-xdist they travel from the
worker process to the controller inside a test report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a single test ended; a rule's verdict is made of these."""

    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"
    INCONCLUSIVE = "inconclusive"


_WORST_FIRST = (Status.FAILED, Status.BLOCKED, Status.INCONCLUSIVE, Status.PASSED)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failed test expected and saw, and what helps to understand it.

    ``fault`` is ``adapter``, or ``kit`` where our own code broke. ``trace`` is the part of
    the traceback worth reading, ``example`` the input that Hypothesis found.
    """

    expected: str
    seen: str
    slow: bool = False
    fault: str = "adapter"
    timeline: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    trace: tuple[str, ...] = ()
    example: tuple[str, ...] = ()
    repeat: str = ""

    def with_repeat(self, command: str) -> Failure:
        """The same, with the command that repeats it."""
        return replace(self, repeat=command)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One phase of one test, or after ``merged`` the whole test.

    ``notes`` tell of undeclared capabilities that work, ``remarks`` of what went wrong beside
    the rule.
    """

    rule: str
    adapter: str
    backend: str
    node_id: str
    status: Status
    duration_ms: int = 0
    reason: str | None = None
    blocked_by: str | None = None
    failure: Failure | None = None
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "status": self.status.value}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Outcome:
        """The reverse of ``to_dict``; lists become tuples again."""
        failure = data["failure"]
        values = {
            **data,
            "status": Status(data["status"]),
            "failure": Failure(**_tuples(failure)) if failure else None,
        }
        return cls(**_tuples(values))


def merged(outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    """Set-up, call and teardown of each test as one outcome, by node id: the worst of them."""
    tests: dict[str, Outcome] = {}
    for outcome in outcomes:
        before = tests.get(outcome.node_id)
        tests[outcome.node_id] = _worse(before, outcome) if before else outcome
    return tests


def _worse(one: Outcome, other: Outcome) -> Outcome:
    worst = min(one, other, key=lambda o: _WORST_FIRST.index(o.status))
    return Outcome(
        **{
            **{name: getattr(worst, name) for name in Outcome.__slots__},
            "duration_ms": one.duration_ms + other.duration_ms,
            "notes": tuple(dict.fromkeys(one.notes + other.notes)),
            "remarks": tuple(dict.fromkeys(one.remarks + other.remarks)),
        }
    )


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
