"""Reads the configuration of a JavaScript worker from its text; nothing is run, Node need not be there."""

from __future__ import annotations

import re
from pathlib import Path

from nq_reference.registry.literals import LiteralReader, line_of
from nq_reference.registry.written import UnreadableError, Written

# Comments and strings are passed over, so that what looks like code in them isn't taken for it.
_PASSED = r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`"
_CODE = re.compile(
    rf"{_PASSED}|(?P<config>^(?:export\s+)?(?:const|let|var)\s+config\s*=\s*(?P<call>defineConfig\s*\(\s*)?(?P<open>{{)?)"
    r"|(?P<worker>\bdefineWorker\s*\()|(?P<handler>^export\s+default\b|^export\b[^\n;]*\bhandler\b|\bmodule\.exports\b|\brunWorker\s*\()"
    r"|(?P<bracket>[()\[\]{},])",
    re.DOTALL | re.MULTILINE,
)
_INLINE = re.compile(r"\s*(?:defineConfig\s*\(\s*)?(?P<open>\{)")
_NO_WORKER = (
    "no worker: it exports no handler and no configuration. If it only helps others, begin its name with _"
)


def read_node(path: Path, text: str) -> Written:
    """What ``const config = defineConfig({...})`` says, or the object given to ``defineWorker``.

    Raises ``UnreadableError`` for what is no literal, and for a file without a handler.
    """
    has_handler = False
    for found in _CODE.finditer(text):
        if found["config"]:
            return _config(path, text, found)
        if found["worker"]:
            has_handler = True
            at = _second_argument(text, found.end())
            inline = None if at is None else _INLINE.match(text, at)
            if inline:
                return _read(path, text, inline.start("open"))
        has_handler = has_handler or bool(found["handler"])
    if not has_handler:
        raise UnreadableError(1, _NO_WORKER)
    return Written(path)


def _config(path: Path, text: str, found: re.Match[str]) -> Written:
    if not found["open"]:
        raise UnreadableError(
            line_of(text, found.start()), "config must be defineConfig({...}), to be read without running it"
        )
    return _read(path, text, found.start("open"))


def _read(path: Path, text: str, at: int) -> Written:
    return Written(path, line_of(text, at), LiteralReader(text, at).value())


def _second_argument(text: str, start: int) -> int | None:
    """Where the second argument begins of a call whose first begins at ``start``."""
    depth = 0
    for found in _CODE.finditer(text, start):
        bracket = found["bracket"] or (found[0][-1] if found["worker"] else "")
        if bracket == "," and depth == 0:
            return found.end()
        depth += (bracket in ("(", "[", "{")) - (bracket in (")", "]", "}"))
        if bracket and depth < 0:
            return None
    return None
