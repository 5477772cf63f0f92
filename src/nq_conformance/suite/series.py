"""Series in tests: the shortest that the adapter can have, and how to wait for its runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from nq_conformance.adapters import Capability
from nq_conformance.clock import MINUTE, REACT, Budget
from nq_conformance.lab import Lab, Recorder, Run

CLOCK_MS = 2
"""Two clocks that are both read in whole milliseconds may differ by this much."""


def now_ms() -> float:
    """The kit's clock, in epoch ms."""
    return time.time() * 1000


@dataclass(frozen=True, slots=True)
class Pulse:
    """A pattern that matches once a period, and ``twin``, a different one that has the next
    matches in common with it. ``budget`` is for one match to come round."""

    pattern: str
    twin: str
    period_ms: int
    budget: Budget

    async def starts(self, handler: Recorder, count: int) -> Sequence[Run]:
        """Wait until ``handler`` has started ``count`` times, each within the budget of a match."""
        for number in range(1, count + 1):
            await handler.started(number, budget=self.budget)
        return handler.runs

    def matches(self, since_ms: float, until_ms: float) -> int:
        """How many matches there are after ``since_ms`` and up to ``until_ms``, in epoch ms."""
        return int(until_ms // self.period_ms - since_ms // self.period_ms)

    def check_one_a_match(
        self, lab: Lab, runs: Sequence[Run], since_ms: float, what: str, *, spare: int = 0
    ) -> None:
        """Raise unless no more runs have started than there were matches after ``since_ms``, and
        ``spare``. However late a run starts on a busy machine, it has a match of its own before it."""
        for number, run in enumerate(runs, start=1):
            allowed = spare + self.matches(since_ms, run.started_ms + CLOCK_MS)
            lab.check(
                number <= allowed,
                f"{what}: {allowed} so far",
                f"run {number} started {run.started_ms - since_ms:.0f} ms after the test began to count",
                jobs=[run.job_id] if run.job_id else [],
            )

    def check_no_two_for_a_match(self, lab: Lab, runs: Sequence[Run], since_ms: float, what: str) -> None:
        """The same, but it does not matter whether the first run waited for a match."""
        early = bool(runs) and not self.matches(since_ms, runs[0].started_ms + CLOCK_MS)
        self.check_one_a_match(lab, runs, since_ms, what, spare=int(early))


def shortest(lab: Lab) -> Pulse:
    """A match a second where the adapter reads six fields, otherwise one a minute."""
    seconds = lab.claims(Capability.CRON_SECONDS)
    period_ms, rest, budget = (1_000, "* * * * *", REACT) if seconds else (60_000, "* * * *", MINUTE)
    place = now_ms() // period_ms % 60
    far = "0-58" if place < 30 else "0-28,30-59"
    return Pulse(f"* {rest}", f"{far} {rest}", period_ms, budget)
