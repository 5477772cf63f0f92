"""Lets a test ask what holds for every history, whatever its rule is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nq_conformance.checkers import CHECKERS
from nq_conformance.history import History
from nq_conformance.violation import Violation

ALWAYS: Final = ("duplicated", "unexpected", "exclusivity", "ceiling", "pause", "attempts")
"""Checkers whose breach is one at any moment of a test: they need no end at which all is done."""


def check_history(history: History, names: Sequence[str] = ALWAYS) -> None:
    """Raise ``Violation`` at the first breach that one of the named checkers finds, with its witness.

    No call of the adapter may be under way: what it will have done is not in the history yet.
    """
    for name in names:
        for finding in CHECKERS[name](history.entries).findings:
            raise Violation(
                expected=f"a history in which the checker '{name}' finds no breach",
                seen="\n".join([finding.text, *(entry.line() for entry in finding.witness)]),
                jobs=sorted({entry.job_id for entry in finding.witness if entry.job_id is not None}),
            )
