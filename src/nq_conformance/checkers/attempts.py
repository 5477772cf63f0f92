"""Attempts: they are numbered 1 to n, n is at most what the job asked for, and each ends in an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nq_conformance.checkers.hearing import would_hear_stalls
from nq_conformance.checkers.observed import Observed
from nq_conformance.checkers.stories import JobStory, Run
from nq_conformance.checkers.verdict import Findings, Verdict
from nq_conformance.contract.lifecycle import TERMINAL_STATES
from nq_conformance.history import Entry


def attempts(entries: Sequence[Entry]) -> Verdict:
    """Each run's ``ctx.attempt`` follows from the run before it, and what started comes to an end.

    The number grows by one with each failure and stays after a stall, which is no attempt. A job that
    is told to have completed had a run that returned.
    """
    observed, found = Observed(entries), Findings("attempts", "run")
    for story in observed.jobs.values():
        if story.runs:
            found.judged(len(story.runs))
            _judge_numbers(observed, story, found)
            _judge_end(story, found)
    for _ in range(observed.nameless):
        found.doubt("a run does not tell its job and queue")
    return found.verdict()


def _judge_numbers(observed: Observed, story: JobStory, found: Findings) -> None:
    if any(run.attempt is None for run in story.runs):
        found.doubt("a run does not tell its attempt")
        return
    id, first = story.key.id, story.runs[0]
    if first.attempt != 1:
        found.broken(f"the first run of job {id!r} is attempt {first.attempt}", [first.start])
    stalls = len(story.stalls)
    for before, after in pairwise(story.runs):
        stalls -= after.attempt == before.attempt
        _judge_step(observed, story, (before, after), stalls, found)
    if len(story.enqueues) == 1 and story.attempts:
        _judge_most(story, story.attempts[0], found)


def _judge_most(story: JobStory, most: int, found: Findings) -> None:
    beyond = next((run for run in story.runs if (run.attempt or 0) > most), None)
    if beyond is not None:
        text = f"job {story.key.id!r} may be tried {most} times and is at attempt {beyond.attempt}"
        found.broken(text, [story.enqueues[0].entry, beyond.start])


def _judge_step(
    observed: Observed, story: JobStory, pair: tuple[Run, Run], stalls: int, found: Findings
) -> None:
    """One run after another; ``stalls`` is below zero if more numbers were repeated than stalls told."""
    before, after = pair
    if after.attempt == (before.attempt or 0) + 1 or (after.attempt == 1 and len(story.enqueues) > 1):
        return
    text = f"a run of job {story.key.id!r} with attempt {before.attempt} is followed by {after.attempt}"
    witness = [before.start, after.start]
    if after.attempt != before.attempt:
        found.broken(text, witness)
    elif stalls < 0 and _was_given_back(observed, pair):
        found.doubt("an attempt came again after close_all, which may have given it back")
    elif stalls < 0 and would_hear_stalls(observed, before, after.over_ms):
        found.broken(f"{text}, and no stall was told", witness)
    elif stalls < 0:
        found.doubt("an attempt came again, and a stall may have been told that nobody heard")


def _was_given_back(observed: Observed, pair: tuple[Run, Run]) -> bool:
    """Whether workers were closed between the two starts: a run that they end may be taken back."""
    since, until = (run.start.at_ms for run in pair)
    return any(since < call.entry.at_ms < until for call in observed.calls("close_all"))


def _judge_end(story: JobStory, found: Findings) -> None:
    last = story.runs[-1]
    completed = story.told("completed")
    if completed and not story.stalls and all(run.failed for run in story.runs):
        text = f"job {story.key.id!r} is told to have completed, and no run of it returned"
        ends = [run.end for run in story.runs if run.end]
        found.broken(text, [*ends, completed[0]])
    elif last.gone is not None:
        found.doubt("a process was killed during a run, and the job did not run again")
    elif last.end is None:
        found.doubt("the history ends during a run")
    elif not _outcome_told(story, last):
        found.doubt("a run ended, and nothing tells what became of its job")


def _outcome_told(story: JobStory, last: Run) -> bool:
    """An event or a look that can only come of the run's end, or of a stall that undid it."""
    began = last.start.at_ms
    events = story.told("completed", "failed", "delayed", "waiting", "stalled")
    looks = [look.entry for look in story.looks if look.entry.facts.get("state") in TERMINAL_STATES]
    removed = any(call.entry.facts.get("removed") for call in story.enqueues)
    return removed or any(entry.at_ms > began for entry in [*events, *looks])
