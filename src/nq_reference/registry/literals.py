"""Object literals of JavaScript: what can be known of them without running anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from nq_reference.registry.written import UnreadableError

_BLANK = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_NUMBER = re.compile(r"[+-]?(?:0[xX][\da-fA-F_]+|(?:\d[\d_]*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])")
_STRING = re.compile(r"""'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\$])*`""", re.DOTALL)
_ESCAPE = re.compile(r"\\(u\{[\da-fA-F]+\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|\n|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "undefined": None}


class LiteralReader:
    """Reads literals from ``text``, from ``at`` on; raises ``UnreadableError`` where there is none."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._at = at

    def value(self) -> Any:
        """The literal that stands here."""
        character = self._peek()
        if character == "{":
            return dict(self._items("}", self._member))
        if character == "[":
            return self._items("]", self.value)
        if character and character in "'\"`":
            return _unescaped(self._take(_STRING, "a string without ${}")[1:-1])
        if character.isdigit() or character in ("-", "+"):
            return self._ended(_number(self._take(_NUMBER, "a number")))
        word = self._take(_WORD, "a literal")
        if word not in _WORDS:
            raise self._error(f"{word} is no literal; write its value, to be read without running the file")
        return self._ended(_WORDS[word])

    def _member(self) -> tuple[str, Any]:
        key = self._key()
        if self._peek() != ":":
            raise self._error(f"after the key {key!r} must come a colon and a literal")
        self._at += 1
        return key, self.value()

    def _key(self) -> str:
        if self._peek() in ("'", '"'):
            return _unescaped(self._take(_STRING, "a string")[1:-1])
        return self._take(_WORD, "a key")

    def _items(self, end: str, item: Callable[[], Any]) -> list[Any]:
        self._at += 1
        items: list[Any] = []
        while self._peek() != end:
            items.append(item())
            if self._peek() == ",":
                self._at += 1
            elif self._peek() != end:
                raise self._error(f"expected , or {end}, to be read without running the file")
        self._at += 1
        return items

    def _ended(self, value: Any) -> Any:
        if self._peek() not in (",", "}", "]", ")", ";", ""):
            raise self._error(
                "an expression is no literal; write its value, to be read without running the file"
            )
        return value

    def _peek(self) -> str:
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at
        return self._text[self._at : self._at + 1]

    def _take(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            line = self._text[self._at :].partition("\n")[0][:40]
            raise self._error(f"expected {what}, to be read without running the file, not {line!r}")
        self._at = found.end()
        return found[0]

    def _error(self, problem: str) -> UnreadableError:
        return UnreadableError(line_of(self._text, self._at), problem)


def line_of(text: str, at: int) -> int:
    """The number of the line that ``at`` is in, from 1."""
    return text.count("\n", 0, at) + 1


def _number(text: str) -> int | float:
    digits = text.replace("_", "")
    if "x" in digits.lower():
        return int(digits, 16)
    return float(digits) if any(mark in digits for mark in ".eE") else int(digits)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_one, text)


def _one(match: re.Match[str]) -> str:
    escape = match[1]
    if escape[0] in "ux" and len(escape) > 1:
        return chr(int(escape.strip("ux{}"), 16))
    return _ESCAPED.get(escape, escape)
