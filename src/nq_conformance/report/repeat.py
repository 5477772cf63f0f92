"""The one command that repeats a failed test, as words of a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Repeat:
    """What has to be given again; ``options`` are further words that the user gave, but for passwords."""

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


def without_password(url: str) -> str:
    """``url`` with ``***`` for its password, so that it may stand in a log; other words as they are."""
    parts = urlsplit(url)
    userinfo, at, place = parts.netloc.rpartition("@")
    user, colon, _ = userinfo.partition(":")
    netloc = f"{user}:{HIDDEN}{at}{place}" if colon else parts.netloc
    query = re.sub(r"(?<![^&])(password=)[^&]*", rf"\1{HIDDEN}", parts.query)
    return urlunsplit(parts._replace(netloc=netloc, query=query)) if "://" in url else url
