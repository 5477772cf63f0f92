"""The one command that repeats a failed test, as words of a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Repeat:
    """What has to be given again; ``options`` are further words that the user gave."""

    target: str
    seed: int | None
    options: Sequence[str] = ()

    def command(self, rule: str, backend: str, test: str | None = None) -> str:
        """The command for one rule on one event loop, and for one test where the rule has several."""
        words = [
            "pytest",
            f"--nq-adapter={self.target}",
            "--nq-rule",
            rule,
            "--nq-backend",
            backend,
            *(["--nq-seed", str(self.seed)] if self.seed is not None else []),
            *(["-k", test] if test else []),
            *self.options,
        ]
        return shlex.join(words)
