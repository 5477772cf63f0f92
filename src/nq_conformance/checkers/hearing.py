"""Whether a stall would have been heard: what is not told proves something only where somebody listened."""

from __future__ import annotations

import math
from typing import NamedTuple

from nq_conformance.checkers.observed import Observed
from nq_conformance.checkers.stories import Run


class _Span(NamedTuple):
    """A stretch of time in which a process could tell or hear something."""

    process: str | None
    since: float
    until: float


def would_hear_stalls(observed: Observed, since: Run, until_ms: float = math.inf) -> bool:
    """Whether a stall of the run's job told after its start and before ``until_ms`` is in the history.

    It is if one subscription to ``stalled`` lasts all that time: events are taken to cross processes
    (where they don't, histories of several processes prove less than is said here). Where one process
    follows another and listens to itself, it is if at every moment with a worker on the queue somebody
    listened, and no listener was killed or frozen, which may cost what it was about to tell. The death
    of the run's own process costs nothing: a worker tells no stall of the job that it has.
    """
    queue, began = since.job.queue, since.start.at_ms
    until_ms = min(until_ms, observed.entries[-1].at_ms)
    listeners = _spans(observed, queue, "on", event="stalled")
    if any(span.since <= began and span.until >= until_ms for span in listeners):
        return True
    if any(began < span.until < until_ms and span.process != since.process for span in listeners):
        return False
    workers = _spans(observed, queue, "register_worker")
    return all(_covered(span, listeners, began, until_ms) for span in workers)


def _spans(observed: Observed, queue: str, label: str, **facts: str) -> list[_Span]:
    """From the call to the first fault of its process."""
    found = []
    for call in observed.calls(label):
        entry = call.entry
        if entry.queue == queue and all(entry.facts.get(name) == fact for name, fact in facts.items()):
            faults = observed.faults.get(call.process or "", ())
            until = next((fault.at_ms for fault in faults if fault.at_ms > entry.at_ms), math.inf)
            began = call.began_ms if label == "register_worker" else entry.at_ms
            found.append(_Span(call.process, began, until))
    return found


def _covered(worker: _Span, listeners: list[_Span], since: float, until: float) -> bool:
    """Whether somebody listened as long as the worker was there, between ``since`` and ``until``."""
    here, end = max(worker.since, since), min(worker.until, until)
    for span in sorted(listeners, key=lambda span: span.since):
        if here >= end:
            return True
        if span.since <= here:
            here = max(here, span.until)
    return here >= end
