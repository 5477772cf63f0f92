"""Literals of JavaScript: what can be known of them without running anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from nq_reference.registry.node_tokens import Script
from nq_reference.registry.written import UnreadableError

_NUMBER = re.compile(
    r"(?P<radix>0[xX][\da-fA-F][\da-fA-F_]*|0[oO][0-7][0-7_]*|0[bB][01][01_]*)"
    r"|(?:(?:0|[1-9][\d_]*)(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?",
    re.ASCII,
)
_ESCAPE = re.compile(
    r"\\(?:u\{(?P<point>[\da-fA-F]+)\}|u(?P<unit>[\da-fA-F]{4})|x(?P<byte>[\da-fA-F]{2})"
    r"|(?P<octal>[1-9]|0(?=\d))|(?P<one>.))",
    re.DOTALL,
)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_ESCAPED.update(dict.fromkeys("\n\u2028\u2029", ""))
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "undefined": None}
_DEEPEST = 50
_WRITE_VALUE = "write its value, to be read without running the file"


class LiteralReader:
    """Reads the literal that begins at the token ``at``; raises ``UnreadableError`` where there is none.

    ``lines`` has the line of each key of it, by the keys that lead there.
    """

    def __init__(self, script: Script, at: int) -> None:
        self._script = script
        self._at = at
        self._keys: tuple[str, ...] = ()
        self._depth = 0
        self.lines: dict[tuple[str, ...], int] = {}

    def value(self) -> Any:
        """The literal that stands here."""
        token = self._script.tokens[self._at]
        if token.text == "{":
            return dict(self._items("}", self._member))
        if token.text == "[":
            return self._items("]", self.value)
        if token.text in ("-", "+"):
            self._at += 1
            number = self._number()
            return -number if token.text == "-" else number
        if token.kind == "number":
            return self._number()
        if token.kind in ("string", "template"):
            return self._string()
        if token.kind == "word" and token.text in _WORDS:
            self._at += 1
            return _WORDS[token.text]
        raise self._no_literal()

    def _member(self) -> tuple[str, Any]:
        token = self._script.tokens[self._at]
        if token.text == "...":
            raise self._error("what ... brings can't be read without running the file; write it out")
        if token.kind not in ("string", "word"):
            raise self._error(f"expected a key, to be read without running the file, not {token.text[:40]!r}")
        key = self._string() if token.kind == "string" else token.text
        self._at += token.kind == "word"
        if self._script.text(self._at) != ":":
            raise self._error(f"after the key {key!r} must come a colon and a literal")
        self._at += 1
        outer, self._keys = self._keys, (*self._keys, key)
        self.lines[self._keys] = token.line
        value = self.value()
        self._keys = outer
        return key, value

    def _items(self, end: str, item: Callable[[], Any]) -> list[Any]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"nested deeper than {_DEEPEST} levels")
        self._at += 1
        items: list[Any] = []
        while self._script.text(self._at) != end:
            items.append(item())
            if self._script.text(self._at) == ",":
                self._at += 1
            elif self._script.text(self._at) != end:
                raise self._error(f"an expression is no literal; {_WRITE_VALUE}")
        self._at += 1
        self._depth -= 1
        return items

    def _number(self) -> int | float:
        token = self._script.tokens[self._at]
        found = _NUMBER.fullmatch(token.text)
        if found is None:
            raise self._error(f"expected a number, to be read without running the file, not {token.text!r}")
        self._at += 1
        digits = token.text.replace("_", "")
        try:  # all numbers of JavaScript are floats; whole ones are int here
            number = float(int(digits, 0)) if found["radix"] else float(digits)
        except OverflowError:
            return float("inf")
        return int(number) if number.is_integer() else number

    def _string(self) -> str:
        token = self._script.tokens[self._at]
        if token.kind == "template" and re.search(r"(?<!\\)(?:\\\\)*\$\{", token.text):
            raise self._error(f"a template with ${{}} is no literal; {_WRITE_VALUE}")
        try:
            units = _ESCAPE.sub(_unescaped, token.text[1:-1]).encode("utf-16", "surrogatepass")
        except (ValueError, OverflowError):
            raise self._error(f"{token.text[:40]} has an escape that stands for no character") from None
        self._at += 1
        return units.decode("utf-16", "surrogatepass")  # where surrogates meet, they are one character

    def _no_literal(self) -> UnreadableError:
        token = self._script.tokens[self._at]
        if token.kind == "word":
            return self._error(f"{token.text} is no literal; {_WRITE_VALUE}")
        return self._error(
            f"expected a literal, to be read without running the file, not {token.text[:40]!r}"
        )

    def _error(self, problem: str) -> UnreadableError:
        return UnreadableError(self._script.line(self._at), problem)


def _unescaped(match: re.Match[str]) -> str:
    digits = match["point"] or match["unit"] or match["byte"]
    if digits:
        return chr(int(digits, 16))
    if match["octal"] or match["one"] in "ux":
        raise ValueError(match[0])
    return _ESCAPED.get(match["one"], match["one"])
