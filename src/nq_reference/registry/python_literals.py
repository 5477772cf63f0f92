"""The keywords of a call in Python: what can be known of them without running anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from nq_reference.registry.python_names import PythonNames
from nq_reference.registry.written import UnreadableError

_TABLES = ("FlowConfig", "WorkerConfig", "dict")
_SPREAD = "what ** brings can't be read without running the file; write it out"
_LONGEST = 80


class KeywordReader:
    """Reads calls whose keywords are literals.

    ``lines`` has the line of each keyword, by the keys that lead there.
    """

    def __init__(self, names: PythonNames) -> None:
        self._names = names
        self.lines: dict[tuple[str, ...], int] = {}

    def keywords(self, call: ast.Call, keys: tuple[str, ...] = ()) -> dict[str, Any]:
        """The values by keyword. Raises ``UnreadableError`` for what is no literal."""
        if call.args:
            raise UnreadableError(call.args[0].lineno, f"{self._names.called(call)} takes keywords only")
        values: dict[str, Any] = {}
        for keyword in call.keywords:
            if keyword.arg is None:
                raise UnreadableError(keyword.value.lineno, _SPREAD)
            inner = (*keys, keyword.arg)
            self.lines[inner] = keyword.lineno
            values[keyword.arg] = self._literal(keyword.value, inner)
        return values

    def _literal(self, node: ast.expr, keys: tuple[str, ...]) -> Any:
        if isinstance(node, ast.Call) and self._names.called(node) in _TABLES:
            return self.keywords(node, keys)
        if isinstance(node, ast.Dict):
            return dict(self._items(node, keys))
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError):
            problem = f"{_spelled(keys)} must be a literal, to be read without running the file"
            raise UnreadableError(node.lineno, f"{problem}, not {_shown(node)}") from None

    def _items(self, node: ast.Dict, keys: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise UnreadableError(value.lineno, _SPREAD)
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                raise UnreadableError(
                    key.lineno, f"a key of {_spelled(keys)} must be text in quotes, not {_shown(key)}"
                )
            inner = (*keys, key.value)
            self.lines[inner] = key.lineno
            yield key.value, self._literal(value, inner)


def _spelled(keys: tuple[str, ...]) -> str:
    first, *rest = keys
    return first + "".join(f"[{key!r}]" for key in rest)


def _shown(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
