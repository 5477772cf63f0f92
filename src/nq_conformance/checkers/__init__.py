"""Checkers: what must be true of every history, whatever the test. Pure: entries in, verdicts out.

They judge only what the history proves. A test that judges one rule stays in the suite; what is
here can be asked of any recorded run, also long after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nq_conformance.checkers.attempts import attempts
from nq_conformance.checkers.ceiling import ceiling
from nq_conformance.checkers.delivery import duplicated, lost, unexpected
from nq_conformance.checkers.exclusivity import exclusivity
from nq_conformance.checkers.order import order
from nq_conformance.checkers.pause import pause
from nq_conformance.checkers.verdict import Checker, Finding, Verdict
from nq_conformance.history import Entry

CHECKERS: Final[dict[str, Checker]] = {
    "lost": lost,
    "duplicated": duplicated,
    "unexpected": unexpected,
    "exclusivity": exclusivity,
    "ceiling": ceiling,
    "pause": pause,
    "order": order,
    "attempts": attempts,
}

__all__ = ["CHECKERS", "Checker", "Finding", "Verdict", "check"]


def check(entries: Sequence[Entry]) -> list[Verdict]:
    """The verdict of every checker on one history."""
    return [checker(entries) for checker in CHECKERS.values()]
