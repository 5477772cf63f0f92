"""What is changed: each place of a source file, by the operators of mutmut.

Left alone is what no test of behaviour could notice: words in errors and in the log, and what
is there for type checkers only. Of three ways in which mutmut changes a text, one is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

SOURCES = Path(__file__).parents[2] / "src"

_NO_BEHAVIOUR = (
    m.Annotation()
    | m.Decorator()
    | m.Raise()
    | m.Assert()
    | m.Call(func=m.Attribute(value=m.Name("logger")))
    | m.Call(func=m.Name("TypeVar") | m.Name("cast"))
    | m.Assign(targets=[m.AssignTarget(m.Name("logger") | m.Name("__all__") | m.Name("__slots__"))])
    | m.Assign(value=m.Call(func=m.Name("TypeVar")))
    | m.FunctionDef(name=m.Name(m.MatchRegex(r"_explain|_\w*problems|_log_\w+")))
    | m.AnnAssign(annotation=m.Annotation(m.Name("TypeAlias")))
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one change. ``place`` is the function's qualified name, or the class's, or
    empty; ``change`` tells the lines before and after, without their indentation."""

    path: str
    line: int
    place: str
    change: str
    text: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is known by from one run to the next, wherever its line has moved."""
        return self.path, self.place, self.change

    @property
    def module(self) -> str:
        """The changed module's dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def mutants_of(path: str) -> Iterator[Mutant]:
    """All mutants of a file, which is named as below ``src``."""
    before = (SOURCES / path).read_text()
    wrapper = MetadataWrapper(cst.parse_module(before))
    places = _Places()
    wrapper.visit(places)
    for node, where, place in places.found:
        for operator in (operator for kind, operator in mutation_operators if isinstance(node, kind)):
            for changed in operator(node):
                if not _only_in_case(node, changed):
                    text = _spliced(before, where, wrapper.module.code_for_node(changed))
                    yield Mutant(path, where.start.line, place, _change(before, text), text)


def _spliced(text: str, where: CodeRange, new: str) -> str:
    """``text`` with ``new`` in a place. Only expressions and simple statements are changed, so that a
    pair of parentheses or an indentation more or less does no harm."""
    lines = text.splitlines(keepends=True)
    first, last = lines[where.start.line - 1], lines[where.end.line - 1]
    joined = first[: where.start.column] + new + last[where.end.column :]
    return "".join([*lines[: where.start.line - 1], joined, *lines[where.end.line :]])


def _only_in_case(node: cst.CSTNode, changed: cst.CSTNode) -> bool:
    """Whether a text is changed to capitals or small letters, beside ``XX`` the second time."""
    if not (isinstance(node, cst.SimpleString) and isinstance(changed, cst.SimpleString)):
        return False
    return bool(node.value.lower() == changed.value.lower())


def _mutant(path: str, line: int, place: str, before: str, after: cst.CSTNode) -> Mutant:
    assert isinstance(after, cst.Module)
    return Mutant(path, line, place, _change(before, after.code), after.code)


class _Places(cst.CSTVisitor):  # type: ignore[misc] # its types are not followed
    """Collects the nodes that may be changed, each with its line and the name of its place."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[cst.CSTNode, CodeRange, str]] = []
        self._place: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._place.append(node.name.value)
        if m.matches(node, _NO_BEHAVIOUR):
            return False
        where = self.get_metadata(PositionProvider, node, None)
        if isinstance(where, CodeRange):
            self.found.append((node, where, ".".join(self._place)))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._place.pop()


def _change(before: str, after: str) -> str:
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return f"{_joined(old)} → {_joined(new)}"


def _joined(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines) or "(nothing)"
