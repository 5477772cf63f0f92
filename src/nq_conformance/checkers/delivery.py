"""Delivery: no acknowledged job is lost, none succeeds twice without a stall, none comes from nowhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from nq_conformance.checkers.hearing import would_hear_stalls
from nq_conformance.checkers.observed import Observed
from nq_conformance.checkers.stories import Call, JobKey, JobStory, Run
from nq_conformance.checkers.verdict import Findings, Verdict
from nq_conformance.contract.lifecycle import TERMINAL_STATES
from nq_conformance.history import Entry


def lost(entries: Sequence[Entry]) -> Verdict:
    """Every acknowledged enqueue has an outcome.

    Broken by a look that no longer finds a job without one, and by counts in which nothing is left
    to do although fewer jobs have finished than were enqueued. A job that may still come is unknown.
    """
    observed, found = Observed(entries), Findings("lost", "acknowledged enqueue")
    silent: dict[str, list[JobStory]] = defaultdict(list)
    for story in observed.jobs.values():
        if story.enqueues:
            found.judged()
            missed = _missed(story)
            if missed:
                text = f"job {story.key.id!r} was acknowledged and is gone without an outcome"
                found.broken(text, [story.enqueues[0].entry, missed])
            elif not _has_outcome(story):
                silent[story.key.queue].append(story)
    for queue, stories in silent.items():
        _judge_silent(observed, queue, stories, found)
    return found.verdict()


def duplicated(entries: Sequence[Entry]) -> Verdict:
    """A job succeeds once for each time that it was enqueued, and once more for each stall that was told."""
    observed, found = Observed(entries), Findings("duplicated", "run")
    for story in observed.jobs.values():
        found.judged(len(story.runs))
        succeeded = [run for run in story.runs if run.succeeded]
        if len(succeeded) > 1 + len(story.stalls):
            _judge_again(observed, story, succeeded, found)
    return found.verdict()


def unexpected(entries: Sequence[Entry]) -> Verdict:
    """Every job that runs was enqueued, and before it ran."""
    observed, found = Observed(entries), Findings("unexpected", "run")
    strangers: dict[str, list[JobStory]] = defaultdict(list)
    for story in observed.jobs.values():
        if not story.runs:
            continue
        found.judged()
        early = story.runs[0].start
        if not story.enqueues:
            strangers[story.key.queue].append(story)
        elif story.enqueues[0].began_ms > early.at_ms and not _may_have_come(observed, story.key, early):
            text = f"job {story.key.id!r} ran before it was enqueued"
            found.broken(text, [early, story.enqueues[0].entry])
    for queue, stories in strangers.items():
        _judge_strangers(observed, queue, stories, found)
    for _ in range(observed.nameless):
        found.doubt("a run does not tell its job and queue")
    return found.verdict()


def _missed(story: JobStory) -> Entry | None:
    """The look that came after the enqueue, found no job, and should have."""
    if _has_outcome(story):
        return None
    known = story.enqueues[0].entry.at_ms
    looks = (look.entry for look in story.looks if look.began_ms > known)
    return next((entry for entry in looks if entry.facts.get("state") is None), None)


def _has_outcome(story: JobStory) -> bool:
    told = story.told("completed", "failed") or story.removals
    seen = any(look.entry.facts.get("state") in TERMINAL_STATES for look in story.looks)
    ended = [run for run in story.runs if run.failed]
    final = any(run.end is not None and run.end.facts.get("final") for run in ended)
    tried = len(ended) >= min(story.attempts, default=1)
    return bool(told) or seen or any(run.succeeded for run in story.runs) or final or tried


def _judge_silent(observed: Observed, queue: str, stories: list[JobStory], found: Findings) -> None:
    """Jobs without an outcome: lost, if the queue had nothing left to do and lacks that many."""
    look = _last_drained(observed, queue, stories)
    kept = [s for s in observed.jobs.values() if s.key.queue == queue and _is_kept(s)]
    lacking = len(kept) - int(look.entry.facts.get("finished", 0)) if look else 0
    if look is None or lacking < len(stories) or not all(map(_is_kept, stories)):
        for _ in stories:
            found.doubt(f"the history ends before it tells the outcome of a job on {queue!r}")
        return
    for story in stories:
        text = f"job {story.key.id!r} was acknowledged and has no outcome, and nothing is left to do"
        found.broken(text, [story.enqueues[0].entry, look.entry])


def _last_drained(observed: Observed, queue: str, stories: list[JobStory]) -> Call | None:
    """The last counts of the queue with nothing unfinished, after all these jobs were enqueued."""
    known = max(story.enqueues[0].entry.at_ms for story in stories)
    looks = [call for call in observed.calls("get_job_counts") if call.entry.queue == queue]
    drained = [c for c in looks if c.began_ms > known and c.entry.facts.get("unfinished") == 0]
    return drained[-1] if drained else None


def _is_kept(story: JobStory) -> bool:
    """Whether the job is there for good once it is acknowledged."""
    removed = story.removals or any(call.entry.facts.get("removed") for call in story.enqueues)
    return bool(story.enqueues) and not removed


def _adding(observed: Observed, key: JobKey) -> list[Call]:
    """The calls that enqueued the job, or may have."""
    ours = [call for call in observed.additions if call.entry.queue == key.queue]
    return [call for call in ours if call.entry.job_id == key.id or _may_be(call, key.id)]


def _may_be(call: Call, id: str) -> bool:
    return not call.returned and not call.refused and call.entry.facts.get("jobId") == id


def _is_silent_on_ids(call: Call) -> bool:
    """Whether the call made jobs whose ids it does not tell: a series, or many at once."""
    return bool(call.entry.facts.get("series")) or (call.returned and call.entry.job_id is None)


def _may_have_come(observed: Observed, key: JobKey, by: Entry) -> bool:
    """Whether an enqueue of the job was called before ``by``, whatever became of it."""
    return any(call.began_ms <= by.at_ms for call in _adding(observed, key))


def _judge_again(observed: Observed, story: JobStory, succeeded: list[Run], found: Findings) -> None:
    added = max(1, len(_adding(observed, story.key)))
    shown = succeeded[: added + len(story.stalls) + 1]
    if len(shown) <= added + len(story.stalls):
        return
    if not would_hear_stalls(observed, shown[0], shown[-1].over_ms):
        found.doubt("a job succeeded again, and a stall may have been told that nobody heard")
        return
    text = (
        f"job {story.key.id!r} succeeded {len(succeeded)} times, and {_allowance(added, len(story.stalls))}"
    )
    enqueues = [call.entry for call in story.enqueues]
    found.broken(text, [*enqueues, *story.stalls, *(run.end for run in shown if run.end)])


def _allowance(added: int, stalls: int) -> str:
    times = "once" if added == 1 else f"{added} times"
    told = "no stall" if not stalls else "one stall" if stalls == 1 else f"{stalls} stalls"
    return f"was enqueued {times}, with {told} told"


def _judge_strangers(observed: Observed, queue: str, stories: list[JobStory], found: Findings) -> None:
    """Jobs that no call returned. Each call that may have taken effect explains one of them, a call
    that makes jobs under ids of its own explains all."""
    ours = [call for call in observed.additions if call.entry.queue == queue]
    if any(_is_silent_on_ids(call) for call in ours):
        for _ in stories:
            found.doubt("a job may come from a series, or from a call that does not tell its jobs")
        return
    anonymous = sum(
        not call.returned and not call.refused and call.entry.facts.get("jobId") is None for call in ours
    )
    for story in stories:
        if _adding(observed, story.key):
            found.doubt("a job may come from an enqueue whose outcome is not known")
        elif anonymous > 0:
            anonymous -= 1
            found.doubt("a job may come from an enqueue whose outcome is not known")
        else:
            found.broken(f"job {story.key.id!r} ran, and nobody enqueued it", [story.runs[0].start])
