"""The names of a JavaScript file: what its top level binds and exports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nq_reference.registry.node_tokens import Script

_DECLARING = ("const", "let", "var")
_MODIFIERS = ("async", "get", "set", "static", "*")
_ASSIGNING = frozenset(
    ("=", "+=", "-=", "*=", "/=", "%=", "**=", "<<=", ">>=", ">>>=", "&=", "|=", "^=", "&&=", "||=", "??=")
)


@dataclass(frozen=True, slots=True)
class Binding:
    """A name of the top level. ``value`` is the token where its value begins, ``None`` if it has none
    that can be told; ``at`` is the token of the name."""

    at: int
    value: int | None = None
    imported: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported under a name: the ``value`` that begins at a token, or else what ``local`` is bound
    to; with neither, something from elsewhere."""

    at: int
    value: int | None = None
    local: str | None = None


class NodeNames:
    """What the file binds, exports and changes.

    ``aliases`` has what an imported or required name is called in its own module. ``changed`` has the
    token where a name of the top level is assigned to after its declaration. ``opaque`` is true if
    ``module.exports`` is used in a way that can't be followed.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.bindings: dict[str, Binding] = {}
        self.exports: dict[str, list[Export]] = {}
        self.aliases: dict[str, str] = {}
        self.changed: dict[str, int] = {}
        self.opaque = False
        self._read_top_level()
        self._read_exports_object()

    def entries(self, opened: int) -> Iterator[tuple[str, Export]]:
        """The keys of the object literal at ``opened``; ``...`` for what can't be told."""
        for begin in self.script.items(opened):
            at = begin
            while self.script.text(at) in _MODIFIERS and self.script.text(at + 1) not in (",", ":", "(", "}"):
                at += 1
            token, then = self.script.tokens[at], self.script.text(at + 1)
            if token.kind not in ("word", "string"):
                yield "...", Export(at)
            elif then in (":", "("):
                yield _plain(token.text), Export(at, at + 2 if then == ":" else at)
            else:
                yield token.text, Export(at, local=token.text)

    def object_of(self, value: int) -> int | None:
        """Where the object literal begins that ``value`` is, or that the name there is bound to."""
        if self.script.text(value) == "{":
            return value
        binding = self.bindings.get(self.script.text(value))
        if binding is None or binding.value is None or not self.script.ends_value(value + 1):
            return None
        return binding.value if self.script.text(binding.value) == "{" else None

    def member(self, at: int) -> tuple[str | None, int] | None:
        """For ``exports`` or ``module.exports`` at ``at``: the name of its member, ``None`` without one,
        and the index after it."""
        text = self.script.text
        if text(at) == "module" and text(at + 1) == "." and text(at + 2) == "exports":
            at += 2
        elif text(at) != "exports":
            return None
        if text(at + 1) == ".":
            return text(at + 2), at + 3
        if text(at + 1) == "[" and self.script.tokens[at + 2].kind == "string" and text(at + 3) == "]":
            return _plain(text(at + 2)), at + 4
        return None, at + 1

    def _export(self, name: str, export: Export) -> None:
        self.exports.setdefault(name, []).append(export)

    # -- the top level -------------------------------------------------------------------

    def _read_top_level(self) -> None:
        at = 0
        while self.script.tokens[at].kind != "end":
            if self.script.text(at - 1) not in (".", "?."):
                self._read_statement(at)
            at = self.script.after(at)

    def _read_statement(self, at: int) -> None:
        word, then = self.script.text(at), self.script.text(at + 1)
        if word in _DECLARING:
            self._declare(at)
        elif word in ("function", "class"):
            self._name_function(at)
        elif word == "import" and then not in ("(", "."):
            self._import(at)
        elif word == "export" and then == "default":
            self._export_default(at + 2)
        elif word == "export" and then == "{":
            self._export_names(at + 1)
        elif self.script.tokens[at].kind == "word":
            self._note_change(at)

    def _declare(self, at: int) -> None:
        exported = self.script.text(at - 1) == "export"
        while True:
            target = at + 1
            end = self.script.after(target)
            value = end + 1 if self.script.text(end) == "=" else None
            imported = value is not None and self._is_required(value)
            for name, name_at in self._targets(target, renamed=imported):
                simple = value if name_at == target else None
                self.bindings[name] = Binding(name_at, simple, imported)
                if exported:
                    self._export(name, Export(name_at, local=name))
            at = end if value is None else self.script.value_end(value)
            if self.script.text(at) != ",":
                return

    def _targets(self, target: int, *, renamed: bool) -> Iterator[tuple[str, int]]:
        """The names that a declaration binds, with their tokens."""
        if target not in self.script.closing:
            yield self.script.text(target), target
            return
        for at in range(target + 1, self.script.closing[target]):
            token, then = self.script.tokens[at], self.script.text(at + 1)
            if token.kind == "word" and then in (",", "}", "]", "="):
                yield token.text, at
            elif renamed and token.kind == "word" and then == ":":
                self.aliases[self.script.text(at + 2)] = token.text

    def _is_required(self, value: int) -> bool:
        value += self.script.text(value) == "await"
        return self.script.text(value) in ("require", "import") and self.script.text(value + 1) == "("

    def _name_function(self, at: int) -> None:
        before = at - 2 if self.script.text(at - 1) == "async" else at - 1
        name_at = at + 2 if self.script.text(at + 1) == "*" else at + 1
        name = self.script.text(name_at)
        if self.script.tokens[name_at].kind == "word":
            self.bindings.setdefault(name, Binding(name_at))
            if self.script.text(before) == "export":
                self._export(name, Export(name_at, local=name))

    def _import(self, at: int) -> None:
        at += 1
        while self.script.tokens[at].kind == "word" or self.script.text(at) in ("{", "}", ",", "*"):
            name, then = self.script.text(at), self.script.text(at + 1)
            if then == "as":
                self.aliases[self.script.text(at + 2)] = name
                at += 1
            elif self.script.tokens[at].kind == "word":
                self.bindings[name] = Binding(at, imported=True)
            at += 1

    def _export_default(self, value: int) -> None:
        self._export("default", Export(value, value))
        self._export_entries("default", value)

    def _export_names(self, opened: int) -> None:
        elsewhere = self.script.text(self.script.closing[opened] + 1) == "from"
        for at in self.script.items(opened):
            local = self.script.text(at)
            name = self.script.text(at + 2) if self.script.text(at + 1) == "as" else local
            self._export(_plain(name), Export(at, local=None if elsewhere else local))

    def _note_change(self, at: int) -> None:
        """Note that the name at ``at``, or a member of it, is assigned to."""
        end = at + 1
        while self.script.text(end) in (".", "["):
            end = self.script.after(end) + (self.script.text(end) == ".")
        if self.script.text(end) in _ASSIGNING and self.script.text(at - 1) not in (*_DECLARING, ","):
            self.changed.setdefault(self.script.text(at), at)

    # -- module.exports ------------------------------------------------------------------

    def _read_exports_object(self) -> None:
        for at, token in enumerate(self.script.tokens):
            if token.text not in ("module", "exports") or self.script.text(at - 1) in (".", "?."):
                continue
            member = self.member(at)
            if member is not None:
                self._read_member(at, *member)

    def _read_member(self, at: int, name: str | None, end: int) -> None:
        if self.script.text(end) != "=":
            self.opaque = self.opaque or name is None
            if name is None and self.script.text(end) == "," and self.script.text(end + 1) == "{":
                for key, export in self.entries(end + 1):  # Object.assign(module.exports, {...})
                    self._export(key, export)
            if name == "config" and self.script.text(end) in (".", "["):
                self._export(name, Export(at))
            return
        self._export(name or "default", Export(at, end + 1))
        if name is None:
            self._export_entries("default", end + 1)

    def _export_entries(self, name: str, value: int) -> None:
        """The keys of an object that is exported as a whole are exports too."""
        opened = self.object_of(value)
        if opened is None:
            return
        self.exports[name].pop()
        for key, export in self.entries(opened):
            self.opaque = self.opaque or key == "..."
            self._export(key, export)


def _plain(text: str) -> str:
    """A name that may be written as a string."""
    return text[1:-1] if text[:1] in ("'", '"') else text
