"""What is said of a configuration that can't be used."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from nq_conformance.contract import QueueError


class ConfigError(QueueError, ValueError):
    """A configuration that can't be used; ``problems`` has all that is wrong with it, a sentence each."""

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


def unknown(what: str, name: object, known: Collection[str]) -> str:
    """The sentence for a ``what`` (adapter, option …) that is none of ``known``; the nearest is suggested."""
    near = difflib.get_close_matches(str(name), known, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {what} {name!r}; {guess}known: {', '.join(sorted(known)) or 'none'}"
