"""The names of a Python module: what its top level binds, and what was imported under another name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_SDK = "nq_reference.worker"
_SCOPES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Binding:
    """A name of the top level. ``value`` is ``None`` if it can't be told, as for what is imported, and for
    what is bound under a condition."""

    node: ast.stmt | ast.expr
    value: ast.expr | None = None
    imported: bool = False


class PythonNames:
    """What the top level of a module binds, in order; a name may be bound several times.

    ``stars`` has the lines of ``from ... import *``.
    """

    def __init__(self, module: ast.Module) -> None:
        self.bindings: dict[str, list[Binding]] = {}
        self.stars: list[int] = []
        self._aliases: dict[str, str] = {}
        self._of_sdk: set[str] = set()
        for node in ast.walk(module):
            if isinstance(node, ast.ImportFrom):
                self._note_import(node)
        self._unconditional = set(map(id, module.body))
        for node in _top_level(module):
            self._bind(node)

    def called(self, call: ast.Call) -> str:
        """The name of what is called, in its own module."""
        return self.own_name(call.func)

    def own_name(self, node: ast.expr) -> str:
        """What a name, or the last of several with dots, is called in its own module: it may have been
        imported or assigned under another one. Empty for any other expression."""
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        return self._aliases.get(name, name)

    def is_ours(self, call: ast.Call) -> bool:
        """Whether what is called was imported from the SDK by its name."""
        return isinstance(call.func, ast.Name) and call.func.id in self._of_sdk

    def _note_import(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.asname is not None:
                self._aliases[alias.asname] = alias.name
            if (node.module or "").startswith(_SDK):
                self._of_sdk.add(alias.asname or alias.name)

    def _bind(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._bind_imported(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._add(node.name, Binding(node))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            self._bind_assigned(node)
        elif isinstance(node, ast.AugAssign | ast.NamedExpr | ast.For | ast.AsyncFor):
            self._bind_target(node.target, None)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._bind_target(node.optional_vars, None)

    def _bind_assigned(self, node: ast.Assign | ast.AnnAssign) -> None:
        if node.value is None:
            return
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            self._bind_target(target, node.value if id(node) in self._unconditional else None)
            if isinstance(target, ast.Name) and (own := self.own_name(node.value)):
                self._aliases.setdefault(target.id, own)

    def _bind_imported(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(node.lineno)
            elif isinstance(node, ast.ImportFrom):
                self._add(alias.asname or alias.name, Binding(node, imported=True))
            else:
                name = alias.asname or alias.name.partition(".")[0]
                self._add(name, Binding(node))  # a module, which is no configuration

    def _bind_target(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self._add(target.id, Binding(target, value))
            return
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self._add(node.id, Binding(node))

    def _add(self, name: str, binding: Binding) -> None:
        self.bindings.setdefault(name, []).append(binding)


def _top_level(module: ast.Module) -> Iterator[ast.AST]:
    """All nodes that run with the module, in order: not those within functions and classes."""
    waiting: list[ast.AST] = [module]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting += reversed([*ast.iter_child_nodes(node)])
