"""The page that keeps the tables: each section stands between two marks and is replaced alone. Pure."""

from __future__ import annotations

import re


class PageError(Exception):
    """The page lacks the marks of a section."""


def marks(section: str) -> tuple[str, str]:
    """The lines that a section of the page stands between."""
    return f"<!-- measured {section}: begin -->", f"<!-- measured {section}: end -->"


def replaced(page: str, section: str, text: str) -> str:
    """``page`` with ``text`` in the section named so. Raises ``PageError`` where there is none."""
    begin, end = marks(section)
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise PageError(f"the page lacks the lines {begin} and {end} that the table goes between")
    return pattern.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", page, count=1)
