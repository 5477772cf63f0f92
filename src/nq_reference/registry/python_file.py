"""Reads the configuration of a Python worker from its syntax tree; nothing is imported or run."""

from __future__ import annotations

import ast
import importlib.util
import warnings
from collections.abc import Iterator
from pathlib import Path

from nq_reference.registry.python_literals import KeywordReader
from nq_reference.registry.python_names import Binding, PythonNames
from nq_reference.registry.written import UnreadableError, Written

_HANDLERS = ("handler", "default")
_CONFIGS = ("define_config", "Config")
_MUST_BE = "must be define_config(...) at the top level, to be read without running it"
_NOT_ONE = "a file has one configuration: `config = define_config(...)`, at its top level"
_NO_WORKER = (
    "no worker: it defines neither `handler` nor a configuration. "
    "If it only helps others, begin its name with _"
)


def read_python(path: Path, source: bytes) -> Written:
    """What ``config = define_config(...)`` says, or the configuration given to ``define_worker``.

    It may be a name of the top level for such a call. The keywords are literals; ``flow`` and ``worker``
    may be ``FlowConfig(...)`` and ``WorkerConfig(...)``. Raises ``UnreadableError`` for anything else, for
    a syntax error, and for a file without a handler.
    """
    finder = _Finder(_parsed(path, source))
    found = finder.configuration()
    has_handler = finder.has_handler()
    if found is None:
        if not has_handler:
            raise UnreadableError(1, _NO_WORKER)
        return Written(path)
    reader = KeywordReader(finder.names)
    values = reader.keywords(found)
    return Written(path, found.lineno, values, reader.lines, has_handler)


def _parsed(path: Path, source: bytes) -> ast.Module:
    """The tree of a module that compiles; parsing alone does not find all that is wrong."""
    try:
        text = importlib.util.decode_source(source)
        with warnings.catch_warnings():  # who runs the file is told
            warnings.simplefilter("ignore")
            module = ast.parse(text, str(path))
            compile(text, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise UnreadableError(error.lineno or 1, f"syntax error: {error.msg}") from None
    except ValueError as error:
        raise UnreadableError(1, f"not Python: {error}") from None
    except (RecursionError, MemoryError):
        raise UnreadableError(1, "can't be read: it is nested too deep") from None
    return module


class _Finder:
    """Finds the one call that configures the module."""

    def __init__(self, module: ast.Module) -> None:
        self.names = PythonNames(module)
        self._calls = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
        self._module = module

    def configuration(self) -> ast.Call | None:
        """The call; ``None`` if the module has no configuration. There must not be another."""
        found: ast.Call | None = None
        for call in self._found():
            if found is not None and call is not found:
                raise UnreadableError(call.lineno, _NOT_ONE)
            found = call
        for call in self._calls:
            if call is not found and self._is_config(call):
                raise UnreadableError(call.lineno, _NOT_ONE)
        return found

    def has_handler(self) -> bool:
        """Whether it defines a handler, takes one from elsewhere, or serves one by itself."""
        names = self.names
        return (
            any(name in names.bindings for name in _HANDLERS)
            or bool(names.stars)
            or any(names.called(call) in ("define_worker", "run_worker") for call in self._calls)
            or any(self._decorated(node) for node in ast.walk(self._module))
        )

    # -- where a configuration may stand ---------------------------------------------------

    def _found(self) -> Iterator[ast.Call]:
        for binding in self._bindings("config"):
            yield self._bound(binding, "config", frozenset())
        for call in self._calls:
            if self.names.called(call) == "define_worker":
                for given in _second_argument(call):
                    yield self._value(given, "the configuration given to define_worker", frozenset())

    def _bindings(self, name: str) -> list[Binding]:
        """What is bound to a name, but for modules: settings of one's own are often called ``config``."""
        found = self.names.bindings.get(name, [])
        return [each for each in found if not isinstance(each.node, ast.Import)]

    def _is_config(self, call: ast.Call) -> bool:
        called = self.names.called(call)
        return called == "define_config" or (called == "Config" and self.names.is_ours(call))

    def _decorated(self, node: ast.AST) -> bool:
        return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            self.names.own_name(each) == "define_worker" for each in node.decorator_list
        )

    # -- what stands there -----------------------------------------------------------------

    def _value(self, node: ast.expr, what: str, seen: frozenset[str]) -> ast.Call:
        """The call of ``define_config`` that ``node`` is, or that the name there is bound to."""
        if isinstance(node, ast.Call) and self.names.called(node) in _CONFIGS:
            return node
        bindings = self._bindings(node.id) if isinstance(node, ast.Name) else []
        if not isinstance(node, ast.Name) or len(bindings) != 1 or node.id in seen:
            raise _no_config(node, what)
        return self._bound(bindings[0], what, seen | {node.id})

    def _bound(self, binding: Binding, what: str, seen: frozenset[str]) -> ast.Call:
        if binding.imported:
            raise UnreadableError(
                binding.node.lineno,
                f"{what} {_MUST_BE}; it comes from another file: write it in this one{_hint(what)}",
            )
        if binding.value is None:
            raise _no_config(binding.node, what)
        return self._value(binding.value, what, seen)


def _second_argument(call: ast.Call) -> Iterator[ast.expr]:
    """The configuration that ``define_worker`` is given, unless it is ``None``."""
    keywords = [each.value for each in call.keywords if each.arg in ("config", None)]
    starred = [each for each in call.args[:1] if isinstance(each, ast.Starred)]
    for given in (*starred, *call.args[1:2], *keywords):
        if not isinstance(given, ast.Constant) or given.value is not None:
            yield given


def _no_config(node: ast.stmt | ast.expr, what: str) -> UnreadableError:
    return UnreadableError(node.lineno, f"{what} {_MUST_BE}{_hint(what)}")


def _hint(what: str) -> str:
    return "; if it is not the configuration of this worker, give it another name" if what == "config" else ""
