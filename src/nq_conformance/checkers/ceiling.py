"""The ceiling: in each process, no more handlers of a queue run at once than it has slots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from nq_conformance.checkers.observed import Observed
from nq_conformance.checkers.slots import registrations, slots_in
from nq_conformance.checkers.stories import Run
from nq_conformance.checkers.verdict import Findings, Verdict
from nq_conformance.history import Entry


def ceiling(entries: Sequence[Entry]) -> Verdict:
    """At each start, the runs of its queue and process, with itself, fit into the slots there."""
    observed, found = Observed(entries), Findings("ceiling", "run")
    places: dict[tuple[str, str | None], list[Run]] = defaultdict(list)
    for run in observed.runs:
        places[run.job.queue, run.process].append(run)
    for (queue, process), runs in places.items():
        calls = registrations(observed, queue).get(process, [])
        slots = slots_in(calls) if calls else None
        if slots is None:
            found.doubt(f"the history does not tell the slots of {queue!r}")
            continue
        found.judged(len(runs))
        crowd = _first_crowd(runs, slots)
        if crowd:
            text = f"{len(crowd)} handlers of {queue!r} ran at once, and there is room for {slots}"
            found.broken(text, [*(call.entry for call in calls), *(run.start for run in crowd)])
    for _ in range(observed.nameless):
        found.doubt("a run does not tell its job and queue")
    return found.verdict()


def _first_crowd(runs: list[Run], slots: int) -> list[Run]:
    """The runs that were under way when there was first one too many; none if there never was."""
    under_way: list[Run] = []
    for run in runs:
        now = run.start.at_ms
        under_way = [other for other in under_way if other.over_ms > now]
        if run.over_ms > now:
            under_way.append(run)
        if len(under_way) > slots:
            return under_way
    return []
