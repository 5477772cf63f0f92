"""The verdicts of checkers as text: one line each, and below a breach its witness as a timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nq_conformance.checkers import Finding, Verdict
from nq_conformance.report.wrapping import WIDTH, printable, shortened, wrapped

_SHOWN = 3
"""Breaches of one checker that are shown in full."""


def check_text(title: str, verdicts: Sequence[Verdict], width: int = WIDTH) -> str:
    """All verdicts on one history, below its title."""
    lines = [title]
    for verdict in verdicts:
        lines.append(f"  {verdict.checker:<12}{verdict.state:<9}{verdict.judged:>6} judged")
        lines += [
            f"      {line}" for doubt in verdict.doubts for line in wrapped(printable(doubt), width - 6)
        ]
        for finding in verdict.findings[:_SHOWN]:
            lines += _finding(finding, width)
        if len(verdict.findings) > _SHOWN:
            lines.append(f"      … and {len(verdict.findings) - _SHOWN} more")
    return "\n".join(lines)


def _finding(finding: Finding, width: int) -> Iterable[str]:
    yield from (f"      {line}" for line in wrapped(printable(finding.text), width - 6))
    for entry in finding.witness:
        yield f"        {shortened(printable(entry.line()), width - 8)}"
