"""How a failure reads: the rule, what was expected and seen, its history, and how to repeat it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from nq_conformance.report.outcome import Failure
from nq_conformance.report.wrapping import WIDTH, command, labelled, listed, wrapped
from nq_conformance.requirements import Rule


@dataclass(frozen=True, slots=True)
class Where:
    """The adapter and event loop of a failed test."""

    adapter: str
    backend: str

    def __str__(self) -> str:
        return f"(adapter {self.adapter}, {self.backend})"


def failure_text(rule: Rule, failure: Failure, where: Where, width: int = WIDTH) -> str:
    """The text that stands in the place of a traceback; no line is wider than ``width``."""
    lines = [
        *_heading(rule, where, width),
        *labelled("expected", failure.expected, width),
        *labelled("seen", f"too slow: {failure.seen}" if failure.slow else failure.seen, width),
        *listed("example", failure.example, width),
        *listed("trace", failure.trace, width),
        *listed("timeline", failure.timeline, width),
    ]
    for number, hint in enumerate(failure.hints):
        lines += labelled("" if number else "look at", hint, width)
    if rule.why:
        lines += labelled("why", rule.why, width)
    if failure.repeat:
        lines += command("repeat", shlex.split(failure.repeat), width)
    return "\n".join(lines)


def _heading(rule: Rule, where: Where, width: int) -> list[str]:
    start = f"{rule.id} {str(rule.level).upper()}  "
    lines = [start + part if i == 0 else "  " + part
             for i, part in enumerate(wrapped(rule.sentence, width - len(start)))]  # fmt: skip
    if len(lines[-1]) + 2 + len(str(where)) <= width:
        return [*lines[:-1], f"{lines[-1]}  {where}"]
    return [*lines, *("  " + part for part in wrapped(str(where), width - 2))]
