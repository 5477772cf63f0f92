"""The tokens of a JavaScript file, as far as finding its configuration needs them."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from nq_reference.registry.written import UnreadableError

Kind: TypeAlias = Literal["word", "number", "string", "template", "regex", "punct", "end"]

_BLANK = re.compile(r"(?:[\s\ufeff]|//[^\n\u2028\u2029]*|/\*.*?\*/)*", re.DOTALL)
_SHEBANG = re.compile(r"#![^\n]*")
_REGEX = re.compile(r"/(?![*/])(?:\\[^\n]|\[(?:\\[^\n]|[^\]\\\n])*\]|[^/\\\[\n])+/[\w$]*")
_TEMPLATE = re.compile(r"(?:\\.|[^`\\$]|\$(?!\{))*", re.DOTALL)
_TOKEN = re.compile(
    r"(?P<word>#?(?:[^\W\d]|\$)[\w$]*)"
    r"|(?P<number>\.?\d(?:[eE][+-](?=\d)|[\w.])*)"
    r"|(?P<string>'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")"
    r"|(?P<punct>\.\.\.|=>|[=!]==?|\?\.(?!\d)|\+\+|--|(?:&&|\|\||\?\?|\*\*|<<|>>>?)=?|[-+*/%&|^<>]=?|[^'\"])",
    re.DOTALL,
)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_CONDITIONS = ("if", "while", "for", "with", "await")
_BEFORE_VALUES = frozenset(
    ("await", "case", "default", "delete", "do", "else", "extends", "in", "instanceof", "new", "of")
).union(("return", "throw", "typeof", "void", "yield"))
"""Words after which a value begins, and not an operator."""


class Token(NamedTuple):
    """``newline``: whether a line ends between it and the token before."""

    kind: Kind
    text: str
    line: int
    newline: bool

    @property
    def ends_value(self) -> bool:
        """Whether a value may end with it, so that an operator may follow."""
        if self.kind == "punct":
            return self.text in (")", "]", "}", "++", "--")
        return self.kind != "word" or self.text not in _BEFORE_VALUES

    @property
    def begins_statement(self) -> bool:
        """Whether it ends a statement whose value ended on a line before (automatic semicolons)."""
        if not self.newline or self.kind == "template":
            return False
        if self.kind == "punct":
            return self.text in ("++", "--", "{", "!", "~", "@")
        return self.text not in ("in", "instanceof")


@dataclass(frozen=True, slots=True)
class Script:
    """The tokens of a file, the last of kind ``end``; ``closing`` has the index of each bracket's partner."""

    tokens: list[Token]
    closing: dict[int, int]

    def text(self, index: int) -> str:
        """What stands there; nothing before the beginning and after the end."""
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def line(self, index: int) -> int:
        """The line of a token."""
        return self.tokens[index].line

    def after(self, index: int) -> int:
        """The index after a token, or after the brackets that it opens."""
        return self.closing.get(index, index) + 1

    def ends_value(self, index: int) -> bool:
        """Whether the value that ends before ``index`` goes no further."""
        token = self.tokens[min(index, len(self.tokens) - 1)]
        if token.kind == "end" or token.text in (",", ";", ")", "]", "}"):
            return True
        return token.begins_statement and self.tokens[index - 1].ends_value

    def value_end(self, index: int) -> int:
        """The index after the value that begins at ``index``."""
        while not self.ends_value(index):
            index = self.after(index)
        return index

    def items(self, opened: int) -> list[int]:
        """Where the items begin that commas separate between the brackets opened at ``opened``."""
        end = self.closing[opened]
        begins, at, fresh = [], opened + 1, True
        while at < end:
            comma = self.text(at) == ","
            if fresh and not comma:
                begins.append(at)
            fresh = comma
            at = self.after(at)
        return begins


def tokenize(text: str) -> Script:
    """The tokens of ``text``. Raises ``UnreadableError`` for strings and brackets that are not closed."""
    scanner = _Scanner(text, [at for at, character in enumerate(text) if character == "\n"])
    if scanner.run() < len(text):
        raise scanner.error("a } that closes nothing")
    scanner.add("end", len(text))
    return Script(scanner.tokens, scanner.closing)


class _Scanner:
    """Makes tokens from ``at`` on; what stands between ``${`` and ``}`` of a template has one of its own."""

    def __init__(self, text: str, newlines: list[int], at: int = 0) -> None:
        self.tokens: list[Token] = []
        self.closing: dict[int, int] = {}
        self._opening: dict[int, int] = {}
        self._open: list[int] = []
        self._text = text
        self._newlines = newlines
        self._at = at
        self._newline = True

    def run(self) -> int:
        """Scan to the end, or to a brace that closes nothing here; returns where that is."""
        shebang = None if self._at else _SHEBANG.match(self._text)
        self._at = shebang.end() if shebang else self._at
        while True:
            self._pass_blank()
            if self._at >= len(self._text):
                if self._open:
                    opened = self.tokens[self._open[-1]]
                    raise UnreadableError(opened.line, f"a {opened.text} that is not closed")
                return self._at
            if self._text[self._at] == "}" and not self._open:
                return self._at
            self._take()

    def error(self, problem: str) -> UnreadableError:
        """An error at the line that the scanner is at."""
        return UnreadableError(bisect_left(self._newlines, self._at) + 1, problem)

    def add(self, kind: Kind, end: int) -> None:
        """Add the token that reaches from here to ``end``, and go there."""
        line = bisect_left(self._newlines, self._at) + 1
        token = Token(kind, self._text[self._at : end], line, self._newline)
        if kind == "punct":
            self._pair(token.text)
        self.tokens.append(token)
        self._at = end
        self._newline = False

    def _pass_blank(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        if blank:
            self._newline = self._newline or "\n" in blank[0]
            self._at = blank.end()

    def _take(self) -> None:
        character = self._text[self._at]
        if character == "`":
            self.add("template", self._template_end())
            return
        regex = _REGEX.match(self._text, self._at) if character == "/" and self._value_may_begin() else None
        if regex:
            self.add("regex", regex.end())
            return
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise self.error("a string that is not closed")
        kind: Kind = found.lastgroup  # type: ignore[assignment]
        self.add(kind, found.end())

    def _template_end(self) -> int:
        at = self._at + 1
        while True:
            found = _TEMPLATE.match(self._text, at)
            at = found.end() if found else at
            if self._text.startswith("`", at):
                return at + 1
            if at >= len(self._text):
                raise self.error("a template that is not closed")
            at = _Scanner(self._text, self._newlines, at + 2).run() + 1

    def _value_may_begin(self) -> bool:
        """Whether a slash begins a regular expression here; otherwise it divides."""
        if not self.tokens:
            return True
        last = self.tokens[-1]
        if last.text == ")":
            before = self._opening[len(self.tokens) - 1] - 1
            return before >= 0 and self.tokens[before].text in _CONDITIONS
        if last.kind == "word" and len(self.tokens) > 1 and self.tokens[-2].text in (".", "?."):
            return False
        return last.text == "}" or not last.ends_value

    def _pair(self, text: str) -> None:
        here = len(self.tokens)
        if text in _PAIRS.values():
            self._open.append(here)
        elif text in _PAIRS:
            if not self._open or self.tokens[self._open[-1]].text != _PAIRS[text]:
                raise self.error(f"a {text} that closes nothing")
            opened = self._open.pop()
            self.closing[opened] = here
            self._opening[here] = opened
