"""Order: with one slot, jobs of equal priority start in the order of their enqueue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from nq_conformance.checkers.observed import Observed
from nq_conformance.checkers.slots import slots_of
from nq_conformance.checkers.stories import JobStory
from nq_conformance.checkers.verdict import Findings, Verdict
from nq_conformance.history import Entry


def order(entries: Sequence[Entry]) -> Verdict:
    """Of two jobs that both ran, the one whose enqueue had returned before the other's was called
    starts first.

    Judged where a queue has one worker with one slot, and by first runs, as retries and stalls have
    places of their own. Jobs with a delay, and those enqueued twice, are left out.
    """
    observed, found = Observed(entries), Findings("order", "pair of jobs on a queue with one slot")
    lines: dict[tuple[str, object], list[JobStory]] = defaultdict(list)
    for story in observed.jobs.values():
        if _is_in_line(story):
            lines[story.key.queue, story.enqueues[0].entry.facts.get("priority", 0)].append(story)
    for (queue, _), stories in lines.items():
        slots = slots_of(observed, queue)
        if slots == 1:
            _judge(sorted(stories, key=lambda story: story.runs[0].start.at_ms), found)
        elif slots is None and len(stories) > 1:
            found.doubt(f"the history does not tell the slots of {queue!r}")
    return found.verdict()


def _is_in_line(story: JobStory) -> bool:
    if len(story.enqueues) != 1 or not story.runs or story.told("delayed"):
        return False
    return story.enqueues[0].entry.label == "enqueue" and not story.enqueues[0].entry.facts.get("delayed")


def _judge(stories: list[JobStory], found: Findings) -> None:
    """``stories`` by their starts: none was enqueued after a later one had been."""
    found.judged(max(0, len(stories) - 1))
    for place, later in enumerate(stories):
        known = later.enqueues[0].entry.at_ms
        overtaker = next((s for s in stories[:place] if s.enqueues[0].began_ms > known), None)
        if overtaker is not None:
            text = f"job {overtaker.key.id!r} was enqueued after {later.key.id!r} and started before it"
            pair = (later, overtaker)
            witness = [e for s in pair for e in (s.enqueues[0].entry, s.runs[0].start)]
            found.broken(text, witness)
