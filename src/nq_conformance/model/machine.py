"""Draws sequences: Hypothesis' state machine over the steps.

What may be drawn next depends on the steps before and on nothing that an adapter does, so that a
sequence is the same whenever it is drawn again. There is one rule for all steps, with weights of
our own: where each step is a rule, Hypothesis leaves out half of them, and little happens on a
queue where nothing is enqueued, or nothing ever ends.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from hypothesis.strategies import SearchStrategy

from nq_conformance.contract import JOB_STATES
from nq_conformance.model import steps


class Attempt(Protocol):
    """One sequence on its way; see ``search``."""

    may_reopen: bool
    has_second: bool

    def take(self, step: steps.Step) -> None:
        """Play one more step; raises where adapter and model differ."""

    def end(self) -> None:
        """Close what was opened."""


def _some(kind: type[steps.Step], **drawn: SearchStrategy[Any]) -> SearchStrategy[steps.Step]:
    return st.builds(kind, queue=_QUEUES, via=_VIAS, **drawn)


_QUEUES: Final = st.sampled_from([0, 0, 0, 0, 0, 1])
_VIAS: Final = st.integers(0, 1)
_RESTS: Final = st.sampled_from(["", "", "short", "long"])
_REMOVALS: Final = st.sampled_from([False, True, True, 1, 2])
_IDS: Final = st.sampled_from([None, "a", "a", "b"])
_PRIORITIES: Final = st.sampled_from([0, 0, 0, 1, 2])
_WHICH: Final = st.integers(0, 3)

_PLAIN: Final = _some(steps.Enqueue)
_RETRIED: Final = _some(
    steps.Enqueue, job_id=_IDS, attempts=st.integers(2, 3), backoff=_RESTS, remove_on_fail=_REMOVALS
)
_PLACED: Final = _some(
    steps.Enqueue,
    job_id=_IDS,
    priority=_PRIORITIES,
    delay=_RESTS,
    scheduled=st.booleans(),
    remove_on_complete=_REMOVALS,
)
_MIXED: Final = _some(
    steps.Enqueue,
    job_id=_IDS,
    priority=_PRIORITIES,
    delay=_RESTS,
    attempts=st.integers(1, 3),
    remove_on_complete=_REMOVALS,
    remove_on_fail=_REMOVALS,
)
_FINISH: Final = _some(steps.Finish, which=_WHICH)
_FAIL: Final = _some(steps.Fail, which=_WHICH)
_LOOKS: Final = st.one_of(
    _some(steps.Look, which=st.integers(0, 9)),
    _some(
        steps.Browse,
        states=st.lists(st.sampled_from(JOB_STATES), max_size=2, unique=True).map(tuple),
        limit=st.none() | st.integers(0, 3),
        offset=st.integers(0, 3),
    ),
    _some(steps.Quiet),
)
_WEIGHTS: Final[tuple[tuple[int, SearchStrategy[steps.Step]], ...]] = (
    *((1, _PLAIN), (5, _RETRIED), (3, _PLACED), (3, _MIXED)),
    *((8, _FINISH), (8, _FAIL), (5, _some(steps.Pause)), (5, _some(steps.Resume))),
    *((2, _some(steps.Wait)), (2, _LOOKS), (3, _some(steps.Reopen))),
)
_STEPS: Final = st.sampled_from([step for weight, step in _WEIGHTS for _ in range(weight)]).flatmap(
    lambda step: step  # `one_of` would take each but once
)


class QueueMachine(RuleBasedStateMachine):
    """Draws steps and hands each to ``attempt`` at once."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__()
        self._attempt = attempt

    @rule(step=_STEPS)
    def go(self, step: steps.Step) -> None:
        """One step further; one that the run has no use for is another that it has."""
        if isinstance(step, steps.Reopen) and not self._attempt.may_reopen:
            step = steps.Quiet()
        self._attempt.take(step if self._attempt.has_second else replace(step, via=0))

    def teardown(self) -> None:
        """End the attempt."""
        self._attempt.end()
