"""The page that keeps the tables: each section stands between two marks and is replaced alone."""

from __future__ import annotations

import platform
import re
import sys
from datetime import UTC, datetime

from benchmarks.environments import PROJECT

PAGE = PROJECT / "docs" / "benchmarks.md"


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


def keep(section: str, text: str) -> None:
    """Put ``text`` into its section of the page; exits where there is none."""
    try:
        page = replaced(PAGE.read_text("utf-8"), section, text)
    except PageError as error:
        sys.exit(f"{PAGE}: {error}")
    PAGE.write_text(page, "utf-8")


def head(rounds: int, *facts: str) -> str:
    """When and on what a table was measured; ``facts`` are further ones, empty ones none."""
    today = datetime.now(tz=UTC).date().isoformat()
    where = (today, platform.system(), f"Python {platform.python_version()}", *facts)
    return f"{', '.join(fact for fact in where if fact)}. Medians of {rounds} interleaved rounds."
