"""Text in columns: a label, and beside it lines that stay within a width."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Iterator, Sequence

WIDTH = 100
LONGEST = 2_000
"""Characters of a value or a line that are kept."""
_INDENT = 2
_LABEL = 10


def labelled(label: str, text: str, width: int = WIDTH) -> list[str]:
    """``text`` wrapped beside ``label``; its own line breaks are kept."""
    lines = [part for line in text.splitlines() or [""] for part in wrapped(line, width - _INDENT - _LABEL)]
    return _beside(label, lines)


def listed(label: str, lines: Iterable[str], width: int = WIDTH) -> list[str]:
    """``lines`` below ``label``, each cut to the width; nothing if there are none."""
    room = width - _INDENT * 2
    body = [" " * _INDENT * 2 + shortened(line, room) for line in lines]
    return [" " * _INDENT + label, *body] if body else []


def command(label: str, words: Sequence[str], width: int = WIDTH) -> list[str]:
    """A shell command beside ``label``; broken lines end in a backslash, to be copied as they are."""
    room = width - _INDENT - _LABEL - 2
    lines, line = [], ""
    for word in _options(words):
        if line and len(line) + 1 + len(word) > room:
            lines.append(f"{line} \\")
            line = f"  {word}"
        else:
            line = f"{line} {word}" if line else word
    return _beside(label, [*lines, line])


def _options(words: Sequence[str]) -> Iterator[str]:
    """The words quoted, each option together with its value."""
    pending = ""
    for word in map(shlex.quote, words):
        if pending and not word.startswith("-"):
            yield f"{pending} {word}"
            pending = ""
            continue
        if pending:
            yield pending
        pending = word if word.startswith("-") and "=" not in word else ""
        if not pending:
            yield word
    if pending:
        yield pending


def wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width``; a longer word is broken."""
    return textwrap.wrap(text, width, break_on_hyphens=False, replace_whitespace=False) or [""]


def printable(text: str, limit: int = LONGEST) -> str:
    """``text`` without what a terminal or UTF-8 can't take, and not longer than ``limit``.

    Tests feed adapters with control characters and lone surrogates; both come back in
    what was seen, and the latter can't even be sent from one process to another.
    """
    left_out = len(text) - limit
    cut = f"{text[:limit]}… ({left_out} more characters)" if left_out > 0 else text
    plain = cut.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c in "\n\t" or c.isprintable() else _escaped(c) for c in plain)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def shortened(text: str, width: int) -> str:
    """``text`` on one line of at most ``width``."""
    line = " ".join(text.splitlines())
    return line if len(line) <= width else line[: width - 1] + "…"


def _beside(label: str, lines: Sequence[str]) -> list[str]:
    first = f"{'':{_INDENT}}{label:<{_LABEL}}{lines[0]}".rstrip()
    return [first, *(f"{'':{_INDENT + _LABEL}}{line}".rstrip() for line in lines[1:])]
