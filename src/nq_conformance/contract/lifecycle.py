"""The life of a job, as one table.

::

              enqueue                       claim
    (none) ------------> waiting <------------------------> active ----> completed
       |                  ^   ^ |   retry, stall, release    | |
       | enqueue, delayed |   | | hold, release the hold     | +-------> failed
       +------> delayed --+   | v                            |
                   ^  promote paused                         |
                   +-----------------------------------------+
                                retry after backoff

``paused`` is a view of ``waiting`` on a held queue, which an adapter may show or not
(question 4). The suite checks each observed history against this table, the reference
moves jobs by it, and the documentation's diagram is printed from it: a rule about what
may follow what has this one home.
"""

from __future__ import annotations

from dataclasses import dataclass

from nq_conformance.contract.events import QueueEvent
from nq_conformance.contract.job import JobState


@dataclass(frozen=True, slots=True)
class Transition:
    """A legal move. ``source`` is ``None`` for a job that begins, ``target`` for one removed.

    ``event`` is the queue event that tells of the move; ``ends_attempt`` says whether it
    adds one to ``attempts_made`` (question 8: a stall does not).
    """

    source: JobState | None
    verb: str
    target: JobState | None
    event: QueueEvent | None = None
    ends_attempt: bool = False


TRANSITIONS: tuple[Transition, ...] = (
    Transition(None, "enqueue", "waiting", "waiting"),
    Transition(None, "enqueue", "delayed", "delayed"),
    Transition("delayed", "promote", "waiting", "waiting"),
    Transition("waiting", "claim", "active", "active"),
    Transition("active", "complete", "completed", "completed", ends_attempt=True),
    Transition("active", "retry", "waiting", "waiting", ends_attempt=True),
    Transition("active", "retry", "delayed", "delayed", ends_attempt=True),
    Transition("active", "fail", "failed", "failed", ends_attempt=True),
    Transition("active", "stall", "waiting", "stalled"),
    Transition("active", "stall", "failed", "failed"),
    Transition("active", "release", "waiting", "waiting"),
    Transition("waiting", "hold", "paused"),
    Transition("paused", "unhold", "waiting"),
    Transition("waiting", "remove", None),
    Transition("delayed", "remove", None),
    Transition("paused", "remove", None),
    Transition("completed", "remove", None),
    Transition("failed", "remove", None),
)

TERMINAL_STATES: frozenset[JobState] = frozenset({"completed", "failed"})


def targets(source: JobState | None) -> frozenset[JobState | None]:
    """Where a job in ``source`` may go next, in one move."""
    return frozenset(t.target for t in TRANSITIONS if t.source == source)


def find(source: JobState | None, verb: str, target: JobState | None) -> Transition | None:
    """The row for this move, or ``None`` if it is not legal."""
    wanted = (source, verb, target)
    return next((t for t in TRANSITIONS if (t.source, t.verb, t.target) == wanted), None)


def reachable(source: JobState | None) -> frozenset[JobState]:
    """All states a job may be seen in after ``source``, over any number of moves.

    A reader that polls sees some states and misses others, so what it sees is legal when
    each state is reachable from the one before.
    """
    seen: set[JobState] = set()
    todo: list[JobState | None] = [source]
    while todo:
        for target in targets(todo.pop()):
            if target is not None and target not in seen:
                seen.add(target)
                todo.append(target)
    return frozenset(seen)
