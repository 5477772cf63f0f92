"""Exclusivity: two runs of one job do not overlap, unless a stall was told that took it from the first."""

from __future__ import annotations

from collections.abc import Sequence

from nq_conformance.checkers.hearing import would_hear_stalls
from nq_conformance.checkers.observed import Observed
from nq_conformance.checkers.stories import JobStory, Run
from nq_conformance.checkers.verdict import Findings, Verdict
from nq_conformance.history import Entry


def exclusivity(entries: Sequence[Entry]) -> Verdict:
    """A run that starts while another of its job is under way has a stall of its own, told after the
    start of the other. The event may come later than the run that it explains."""
    observed, found = Observed(entries), Findings("exclusivity", "run")
    found.judged(len(observed.runs))
    for story in observed.jobs.values():
        unused = list(story.stalls)
        for first, second in _overlaps(story):
            stall = next((entry for entry in unused if entry.at_ms > first.start.at_ms), None)
            if stall is not None:
                unused.remove(stall)
            elif would_hear_stalls(observed, first):
                text = f"two runs of job {story.key.id!r} overlap, and no stall was told between"
                witness = [first.start, second.start, *([first.end] if first.end else [])]
                found.broken(text, witness)
            else:
                found.doubt("runs of one job overlap, and a stall may have been told that nobody heard")
    for _ in range(observed.nameless):
        found.doubt("a run does not tell its job and queue")
    return found.verdict()


def _overlaps(story: JobStory) -> list[tuple[Run, Run]]:
    """Each run that starts while another is under way, with the latest of those others."""
    found = []
    for place, second in enumerate(story.runs):
        now = second.start.at_ms
        others = [run for run in story.runs[:place] if run.over_ms > now]
        if others and second.over_ms > now:
            found.append((others[-1], second))
    return found
