"""Reads the configuration of a JavaScript worker from its text; nothing is run, Node need not be there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nq_reference.registry.literals import LiteralReader
from nq_reference.registry.node_names import Export, NodeNames
from nq_reference.registry.node_tokens import tokenize
from nq_reference.registry.written import UnreadableError, Written

_MUST_BE = "must be defineConfig({...}) or {...}, to be read without running it"
_NOT_ONE = "a file has one configuration; this is another one than that of line {}"
_STRAY = (
    "this configuration is nobody's; write `export const config = defineConfig({...})` at the top level "
    "(`module.exports.config = {...}` in CommonJS), or give it to defineWorker"
)
_NO_WORKER = (
    "no worker: it exports no handler and no configuration. If it only helps others, begin its name with _"
)
_NOTHING = {"undefined": 1, "null": 1, "void": 2}
"""How no configuration is written, in how many tokens: ``void 0`` is one of them."""


def read_node(path: Path, text: str) -> Written:
    """What is exported as ``config``, or given to ``defineWorker``: an object literal, ``defineConfig`` of
    one, or a constant of the top level that is either.

    Raises ``UnreadableError`` for any other configuration, for more than one, and for a file that
    exports neither a configuration nor a handler.
    """
    finder = _Finder(NodeNames(tokenize(text)))
    opened = finder.configuration()
    if opened is None:
        if not finder.has_handler():
            raise UnreadableError(1, _NO_WORKER)
        return Written(path)
    reader = LiteralReader(finder.script, opened)
    values = reader.value()
    return Written(path, finder.script.line(opened), values, reader.lines, finder.has_handler())


class _Finder:
    """Finds the one object literal that is the configuration. Tokens are known by their index."""

    def __init__(self, names: NodeNames) -> None:
        self.script = names.script
        self._names = names
        self._text = names.script.text
        self._used: set[int] = set()  # calls of defineConfig that were read

    def configuration(self) -> int | None:
        """Where the literal begins; ``None`` if the file has no configuration."""
        found: int | None = None
        for opened in self._found():
            if found is not None and opened not in (None, found):
                raise self._error(opened or found, _NOT_ONE.format(self.script.line(found)))
            found = opened if found is None else found
        for call in self._calls("defineConfig"):
            if call not in self._used:
                raise self._error(call, _STRAY)
        return found

    def has_handler(self) -> bool:
        """Whether it exports a handler, or something that may be one, or serves one by itself."""
        exports = self._names.exports
        given = [*exports.get("default", ()), *exports.get("handler", ())]
        return self._names.opaque or any(map(self._may_handle, given)) or any(self._calls("runWorker"))

    def _may_handle(self, export: Export) -> bool:
        """Whether it is anything else than a configuration."""
        name = self._text(export.at if export.value is None else export.value)
        binding = self._names.bindings.get(name)
        return binding is None or binding.value is None or self._call_at(binding.value) is None

    # -- where a configuration may stand ---------------------------------------------------

    def _found(self) -> Iterator[int | None]:
        """Where the literal begins of each configuration, ``None`` for ``undefined`` and the like."""
        exports = self._names.exports.get("config", [])
        for export in exports:
            yield self._exported(export, "config", frozenset())
        binding = self._names.bindings.get("config")
        if not exports and binding and binding.value is not None and not binding.imported:
            yield self._named("config", binding.at, "config", frozenset())
        for call in self._calls("defineWorker"):
            given = self.script.items(call)
            if any(self._text(each) == "..." for each in given[:2]):
                raise self._error(call, f"the configuration {_MUST_BE}; write out what ... brings")
            for each in given[1:2]:
                yield self._value(each, "the configuration given to defineWorker", frozenset())

    def _calls(self, name: str) -> Iterator[int]:
        """The opening brackets of the calls of ``name``, whatever it was imported as."""
        for at, token in enumerate(self.script.tokens):
            if token.kind != "word" or self._own_name(token.text) != name or self._text(at - 1) == "function":
                continue
            opened = at + 2 if self._text(at + 1) == ")" else at + 1  # (0, sdk.defineConfig)(...)
            if self._text(opened) == "(":
                yield opened

    def _own_name(self, name: str) -> str:
        return self._names.aliases.get(name, name)

    # -- what stands there -----------------------------------------------------------------

    def _value(self, at: int, what: str, seen: frozenset[str]) -> int | None:
        """The object literal that the value at ``at`` comes to; ``None`` for none."""
        found, end = self._literal(at, what, seen)
        if not self.script.ends_value(end):
            raise self._error(end, f"{what} {_MUST_BE}; it goes on with {self._text(end)[:20]}")
        return found

    def _literal(self, at: int, what: str, seen: frozenset[str]) -> tuple[int | None, int]:
        """The same, and where it ends; an operator may follow there."""
        text = self._text(at)
        if text == "{":
            return at, self.script.after(at)
        call = self._call_at(at)
        if call is not None:
            self._used.add(call)
        if call is not None or text == "(":
            return self._within(at if call is None else call, what, seen)
        if text in _NOTHING:
            return None, at + _NOTHING[text]
        member = self._names.member(at)
        if member is not None:
            return self._member(at, member, what, seen)
        return self._named(text, at, what, seen), at + 1

    def _within(self, opened: int, what: str, seen: frozenset[str]) -> tuple[int | None, int]:
        """The one value between brackets."""
        items = self.script.items(opened)
        if len(items) != 1:
            raise self._no_literal(opened, what)
        closing = self.script.closing[opened]
        return self._value(items[0], what, seen), closing + 1

    def _call_at(self, at: int) -> int | None:
        """The opening bracket, if the value at ``at`` is a call of ``defineConfig``, ``sdk.defineConfig``
        or ``(0, sdk.defineConfig)``, as TypeScript writes it."""
        if self._text(at) == "(" and self._text(at + 1) == "0" and self._text(at + 2) == ",":
            at += 3
        while self._text(at + 1) == ".":
            at += 2
        if self._own_name(self._text(at)) != "defineConfig":
            return None
        opened = at + 2 if self._text(at + 1) == ")" else at + 1
        return opened if self._text(opened) == "(" else None

    def _member(
        self, at: int, member: tuple[str | None, int], what: str, seen: frozenset[str]
    ) -> tuple[int | None, int]:
        """``exports.config = ...`` that is itself assigned, or ``exports.config`` that was before."""
        name, end = member
        if self._text(end) == "=":
            return self._literal(end + 1, what, seen)
        exports = self._names.exports.get(name or "", [])
        if not exports or f"exports.{name}" in seen:
            raise self._no_literal(at, what)
        found = [self._exported(export, what, seen | {f"exports.{name}"}) for export in exports]
        return next((each for each in found if each is not None), None), end

    def _exported(self, export: Export, what: str, seen: frozenset[str]) -> int | None:
        if export.value is not None:
            return self._value(export.value, what, seen)
        if export.local is None:
            raise self._error(export.at, f"{what} {_MUST_BE}, whole and in this file")
        return self._named(export.local, export.at, what, seen)

    def _named(self, name: str, at: int, what: str, seen: frozenset[str]) -> int | None:
        """What a name of the top level is bound to."""
        binding = self._names.bindings.get(name)
        if binding is not None and binding.imported:
            raise self._error(at, f"{what} {_MUST_BE}; {name} comes from another file: write it in this one")
        if name in self._names.changed:
            changed = self._names.changed[name]
            raise self._error(changed, f"{what} {_MUST_BE}; here {name} is changed")
        if binding is None or binding.value is None or name in seen:
            raise self._no_literal(at, what)
        return self._value(binding.value, what, seen | {name})

    def _no_literal(self, at: int, what: str) -> UnreadableError:
        hint = "; if it is not the configuration of this worker, give it another name"
        return self._error(at, f"{what} {_MUST_BE}{hint if what == 'config' else ''}")

    def _error(self, at: int, problem: str) -> UnreadableError:
        return UnreadableError(self.script.line(at), problem)
