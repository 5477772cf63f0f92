"""A sequence that fails, as a value and as what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nq_conformance.history import Entry
from nq_conformance.model.steps import Steps, rules_of
from nq_conformance.violation import Inconclusive, Violation

_ALONE: Final = "The script above repeats it alone."
_AFTER_OTHERS: Final = (
    "It failed after other sequences, on queues of its own in the same place. The script above has its "
    "calls alone, with which it may pass: then look at what queues share."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """``steps``, of which the last fails with ``error``. ``script`` is a program that repeats it,
    ``entries`` the history of its calls; ``is_alone`` says that nothing was played before in its place."""

    steps: Steps
    error: Violation | Inconclusive
    script: str
    entries: Sequence[Entry]
    is_alone: bool = True

    @property
    def is_repeatable(self) -> bool:
        """Whether it is likely to fail again: neither the machine's fault, nor only late."""
        return isinstance(self.error, Violation) and not self.error.slow

    def told(self) -> Violation | Inconclusive:
        """The error, with the rules that the calls are about, and with the script as a note."""
        if isinstance(self.error, Inconclusive):
            return self.error
        how = _ALONE if self.is_alone else _AFTER_OTHERS
        rules = ", ".join(rules_of(self.steps))
        error = Violation(
            expected=self.error.expected,
            seen=self.error.seen,
            jobs=self.error.jobs,
            hint=f"{how} Its calls, the last first, are about {rules}.",
            slow=self.error.slow,
        )
        error.add_note(self.script)
        return error
