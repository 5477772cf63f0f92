"""What checkers ask about: a call, a run, and all that a history tells of one job. Nothing is judged here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from nq_conformance.history import Entry

REFUSALS: Final = frozenset(
    {"InvalidJobError", "InvalidScheduleError", "UnsupportedError", "ValueError", "TypeError"}
)
"""Errors that say that nothing was done. After any other the call may have taken effect."""


class JobKey(NamedTuple):
    """A job: ids are unique in their queue only."""

    queue: str
    id: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the adapter, from ``began_ms`` to its entry."""

    entry: Entry

    @property
    def began_ms(self) -> float:
        """When it was made; the entry's time is when it was over."""
        return float(self.entry.facts.get("beganMs", self.entry.at_ms))

    @property
    def returned(self) -> bool:
        """Whether it did not raise."""
        return bool(self.entry.facts.get("outcome", "returned") == "returned")

    @property
    def refused(self) -> bool:
        """Whether it raised an error that says that nothing was done."""
        return self.entry.facts.get("error") in REFUSALS

    @property
    def process(self) -> str | None:
        """Where it was made; ``None`` for the kit's own process."""
        process: str | None = self.entry.facts.get("process")
        return process


@dataclass(frozen=True, slots=True)
class Run:
    """One call of a handler. ``gone`` is the kill of its process, if it had not ended by then."""

    job: JobKey
    start: Entry
    end: Entry | None
    gone: Entry | None

    @property
    def process(self) -> str | None:
        """Where the worker is; ``None`` for the kit's own process."""
        process: str | None = self.start.facts.get("process")
        return process

    @property
    def attempt(self) -> int | None:
        """``ctx.attempt``, if that is a number."""
        attempt = self.start.facts.get("attempt")
        return attempt if isinstance(attempt, int) else None

    @property
    def over(self) -> Entry | None:
        """Its end, or the kill that came before it; ``None`` if it was still running."""
        return self.gone or self.end

    @property
    def over_ms(self) -> float:
        """When it was over."""
        return self.over.at_ms if self.over else math.inf

    @property
    def succeeded(self) -> bool:
        """Whether the handler returned while its process was alive."""
        return self.gone is None and self.end is not None and self.end.facts.get("outcome") == "returned"

    @property
    def failed(self) -> bool:
        """Whether the handler raised, or was cancelled, while its process was alive."""
        return self.gone is None and self.end is not None and not self.succeeded


@dataclass(slots=True)
class JobStory:
    """What a history tells of one job, each list in the order of time."""

    key: JobKey
    enqueues: list[Call] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    events: list[Entry] = field(default_factory=list)
    looks: list[Call] = field(default_factory=list)
    removals: list[Entry] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        """Sort in an entry that names the job, other than those of its runs."""
        call = Call(entry)
        if entry.kind == "event":
            self.events.append(entry)
        elif entry.kind != "call" or not call.returned:
            return
        elif entry.label in ("enqueue", "schedule") and not entry.facts.get("series"):
            self.enqueues.append(call)
        elif entry.label == "get_job":
            self.looks.append(call)
        elif entry.label == "remove_job":
            self.removals.append(entry)

    def told(self, *events: str) -> list[Entry]:
        """The events with these names."""
        return [entry for entry in self.events if entry.label in events]

    @property
    def stalls(self) -> list[Entry]:
        """The ``stalled`` events. Two subscribers hear each of them twice: that allows the adapter more."""
        return self.told("stalled")

    @property
    def attempts(self) -> list[int]:
        """How often its handler may be called, by each of its enqueues that tells."""
        told = [call.entry.facts.get("attempts", 1) for call in self.enqueues]
        return [max(1, number) for number in told if isinstance(number, int)]
