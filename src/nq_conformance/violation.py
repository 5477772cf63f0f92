"""How a test says that a rule is broken, or that it can't tell.

The text around it (the rule, the timeline, how to repeat it) is the report's business.
"""

from __future__ import annotations

from collections.abc import Sequence


class Violation(AssertionError):  # noqa: N818 - what the house calls it
    """The adapter did something else than the rule says.

    ``expected`` and ``seen`` are short sentences or values; ``jobs`` the ids whose history
    explains it; ``hint`` what to look at first; ``slow`` that the expected did come, but
    only after its budget.
    """

    def __init__(
        self,
        *,
        expected: str,
        seen: str,
        jobs: Sequence[str] = (),
        hint: str | None = None,
        slow: bool = False,
    ) -> None:
        super().__init__(f"expected {expected}, seen {seen}")
        self.expected = expected
        self.seen = seen
        self.jobs = tuple(jobs)
        self.hint = hint
        self.slow = slow


class Inconclusive(Exception):  # noqa: N818 - a verdict, not an error of anybody's
    """The environment kept the test from telling right from wrong; ``reason`` says how."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
