"""The pause barrier: no handler starts between the return of pause and the call of resume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nq_conformance.checkers.observed import Observed
from nq_conformance.checkers.stories import Call, Run
from nq_conformance.checkers.verdict import Findings, Verdict
from nq_conformance.history import Entry

CROSSING_MS: Final = 50.0
"""A start and the return of pause that come from another process so close together may have crossed
on their way to the kit."""


def pause(entries: Sequence[Entry]) -> Verdict:
    """A start on a paused queue, in the process that paused it, is a breach.

    What was on its way to a handler of another process when pause returned can't be told from what
    was claimed later: it is unknown.
    """
    observed, found = Observed(entries), Findings("pause", "pause that returned")
    for call in observed.calls("pause"):
        if not call.returned:
            continue
        found.judged()
        until = _lifted_ms(observed, call)
        for run in observed.runs:
            if run.job.queue == call.entry.queue and call.entry.at_ms < run.start.at_ms < until:
                _judge(call, run, found)
    return found.verdict()


def _lifted_ms(observed: Observed, call: Call) -> float:
    """When the first resume was called that was not over before the pause was made."""
    resumes = [r for r in observed.calls("resume") if r.entry.queue == call.entry.queue]
    later = [r.began_ms for r in resumes if r.entry.at_ms > call.began_ms]
    return min(later, default=float("inf"))


def _judge(call: Call, run: Run, found: Findings) -> None:
    crossing = call.process is not None and run.start.at_ms - call.entry.at_ms < CROSSING_MS
    if run.process == call.process and not crossing:
        text = f"a handler of {run.job.queue!r} started after pause had returned"
        found.broken(text, [call.entry, run.start])
    else:
        found.doubt("a handler in another process started after pause had returned")
