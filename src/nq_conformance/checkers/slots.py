"""How many handlers may run at once, as far as registrations tell."""

from __future__ import annotations

from collections import defaultdict

from nq_conformance.checkers.observed import Observed
from nq_conformance.checkers.stories import Call


def registrations(observed: Observed, queue: str) -> dict[str | None, list[Call]]:
    """By process, the calls that registered a worker on the queue, or may have."""
    found = defaultdict(list)
    for call in observed.calls("register_worker"):
        if call.entry.queue == queue and not call.refused:
            found[call.process].append(call)
    return dict(found)


def slots_in(calls: list[Call]) -> int | None:
    """The slots that registrations of one process ask for: of each manager the maximum holds.
    ``None`` if one of them does not tell."""
    most: dict[object, int] = {}
    for call in calls:
        facts = call.entry.facts
        concurrency = facts.get("concurrency", 1)
        if not isinstance(concurrency, int):
            return None
        most[facts.get("manager")] = max(concurrency, most.get(facts.get("manager"), 0))
    return sum(most.values())


def slots_of(observed: Observed, queue: str) -> int | None:
    """The slots in all processes together; ``None`` without a registration, or where one does not tell."""
    by_process = [slots_in(calls) for calls in registrations(observed, queue).values()]
    told = [slots for slots in by_process if slots is not None]
    return sum(told) if told and len(told) == len(by_process) else None
