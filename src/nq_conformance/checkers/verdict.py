"""What a checker has to say of a history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from nq_conformance.history import Entry

State: TypeAlias = Literal["holds", "broken", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach: what is wrong, and its witness, the fewest entries that show it, in their order."""

    text: str
    witness: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``judged`` counts what the checker could look at (jobs, runs, pairs); ``doubts`` say what it
    could not decide, and why. Nothing is green by default: a history with nothing to judge is unknown."""

    checker: str
    judged: int
    findings: tuple[Finding, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """``broken`` with a finding, else ``unknown`` with a doubt, else ``holds``."""
        if self.findings:
            return "broken"
        return "unknown" if self.doubts else "holds"


Checker: TypeAlias = Callable[[Sequence[Entry]], Verdict]


class Findings:
    """Gathers what one checker finds; ``what`` names the things that it judges."""

    def __init__(self, checker: str, what: str) -> None:
        self._checker = checker
        self._what = what
        self._judged = 0
        self._findings: list[Finding] = []
        self._doubts: dict[str, int] = {}

    def judged(self, count: int = 1) -> None:
        """So many more things were looked at."""
        self._judged += count

    def broken(self, text: str, witness: Iterable[Entry]) -> None:
        """A breach; the witness is put in the order of time."""
        in_order = sorted(witness, key=lambda entry: entry.at_ms)
        self._findings.append(Finding(text, tuple(in_order)))

    def doubt(self, reason: str) -> None:
        """One thing that can't be decided; equal reasons are told once, with their number."""
        self._doubts[reason] = self._doubts.get(reason, 0) + 1

    def verdict(self) -> Verdict:
        """All of it."""
        doubts = tuple(f"{reason} ({count} times)" if count > 1 else reason for reason, count in self._told())
        return Verdict(self._checker, self._judged, tuple(self._findings), doubts)

    def _told(self) -> Iterable[tuple[str, int]]:
        if not self._judged and not self._doubts:
            return [(f"there is no {self._what} in this history", 1)]
        return self._doubts.items()
