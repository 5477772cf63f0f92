"""The page that keeps the tables: each section stands between two marks and is replaced alone. Pure."""

from __future__ import annotations

import re

from benchmarks.figures import Backend


class PageError(Exception):
    """The page lacks the marks of a section."""


def marks(backend: Backend) -> tuple[str, str]:
    """The lines that a section of the page stands between."""
    return f"<!-- measured {backend}: begin -->", f"<!-- measured {backend}: end -->"


def replaced(page: str, backend: Backend, text: str) -> str:
    """``page`` with ``text`` in its section for ``backend``. Raises ``PageError`` where there is none."""
    begin, end = marks(backend)
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise PageError(f"the page lacks the lines {begin} and {end} that the table goes between")
    return pattern.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", page, count=1)
