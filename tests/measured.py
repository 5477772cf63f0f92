"""The part of a page that is measured: between two marks, and replaced alone."""

from __future__ import annotations

import platform
import re
from datetime import UTC, datetime
from pathlib import Path

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def measured(page: Path) -> str:
    """What stands there."""
    return page.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def keep_measured(page: Path, table: str, *facts: str) -> None:
    """Put a table there, under a line that says when and on what; ``facts`` are further ones."""
    today = datetime.now(tz=UTC).date().isoformat()
    note = ", ".join((today, platform.system(), f"Python {platform.python_version()}", *facts))
    text = f"{BEGIN}\n\nLatest: {note}.\n\n{table.rstrip()}\n\n{END}"
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    page.write_text(pattern.sub(lambda _: text, page.read_text(encoding="utf-8")), encoding="utf-8")
