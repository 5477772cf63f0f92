"""A sequence that fails, as a value and as what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nq_conformance.history import Entry
from nq_conformance.model.steps import Steps, rules_of
from nq_conformance.violation import Inconclusive, Violation


@dataclass(frozen=True, slots=True)
class Finding:
    """``steps``, of which the last fails with ``error``. ``script`` is a program that repeats it,
    ``entries`` the history of its calls."""

    steps: Steps
    error: Violation | Inconclusive
    script: str
    entries: Sequence[Entry]

    @property
    def is_repeatable(self) -> bool:
        """Whether it is likely to fail again: neither the machine's fault, nor only late."""
        return isinstance(self.error, Violation) and not self.error.slow

    def told(self) -> Violation | Inconclusive:
        """The error, with the rules that the calls are about, and with the script as a note."""
        if isinstance(self.error, Inconclusive):
            return self.error
        rules = ", ".join(rules_of(self.steps))
        error = Violation(
            expected=self.error.expected,
            seen=self.error.seen,
            jobs=self.error.jobs,
            hint=f"The script above repeats it alone. Its calls, the last first, are about {rules}.",
            slow=self.error.slow,
        )
        error.add_note(self.script)
        return error
