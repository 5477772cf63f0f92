"""What crash runs found, as a row of a table. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from crash.session import Result
from nq_conformance.checkers import Finding, Verdict

HEAD = (
    "adapter",
    "rounds",
    "jobs",
    "kills",
    "stalls",
    "lost",
    "duplicated",
    "other breaches",
    "stuck",
    "undecided",
)


@dataclass(slots=True)
class Tally:
    """One adapter's sessions, added up."""

    adapter: str
    rounds: int = 0
    jobs: int = 0
    kills: int = 0
    stalls: int = 0
    stuck: int = 0
    undecided: int = 0
    findings: dict[str, list[Finding]] = field(default_factory=dict)

    def add(self, result: Result, verdicts: Iterable[Verdict]) -> None:
        """One more session, and what the checkers say of it."""
        self.rounds += result.rounds
        self.kills += result.kills
        self.stuck += result.stuck is not None
        calls = [e for e in result.entries if e.kind == "call" and e.label == "enqueue"]
        self.jobs += sum(entry.job_id is not None for entry in calls)
        self.stalls += sum(e.kind == "event" and e.label == "stalled" for e in result.entries)
        for verdict in verdicts:
            self.findings.setdefault(verdict.checker, []).extend(verdict.findings)
            self.undecided += verdict.checker in ("lost", "duplicated") and bool(verdict.doubts)

    @property
    def broken(self) -> bool:
        """Whether anything was found."""
        return bool(self.stuck) or any(self.findings.values())

    def row(self) -> Sequence[str]:
        """The cells below ``HEAD``."""
        lost, duplicated = (len(self.findings.get(name, ())) for name in ("lost", "duplicated"))
        others = sum(map(len, self.findings.values())) - lost - duplicated
        numbers = (self.rounds, self.jobs, self.kills, self.stalls, lost, duplicated, others)
        return (self.adapter, *(f"{number:,}" for number in (*numbers, self.stuck, self.undecided)))


def table(tallies: Iterable[Tally]) -> str:
    """The table as Markdown."""
    rule = ("---", *("---:" for _ in HEAD[1:]))
    return "\n".join(f"| {' | '.join(row)} |" for row in (HEAD, rule, *(tally.row() for tally in tallies)))
