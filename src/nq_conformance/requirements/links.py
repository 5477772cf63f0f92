"""Sources that can be followed: an entry of a rule's ``source`` as a URL."""

from __future__ import annotations

import re

_ISSUE = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)#(?P<number>\d+)\b")


def link_of(source: str) -> str | None:
    """The URL that ``source`` stands for: ``owner/name#1`` or a URL; ``None`` for anything else."""
    if source.startswith("https://"):
        return source
    match = _ISSUE.match(source)
    return f"https://github.com/{match['repository']}/issues/{match['number']}" if match else None
