"""Reads the configuration of a Python worker from its syntax tree; nothing is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

from nq_reference.registry.written import UnreadableError, Written

_TABLES = ("FlowConfig", "WorkerConfig")
_HANDLERS = ("handler", "default")
_SPREAD = "what ** brings can't be read without running the file; write it out"
_NOT_ONE = "a file has one configuration: `config = define_config(...)`, at its top level"
_NO_WORKER = (
    "no worker: it defines neither `handler` nor a configuration. "
    "If it only helps others, begin its name with _"
)


def read_python(path: Path, text: str) -> Written:
    """What ``config = define_config(...)`` says, or the ``define_config(...)`` given to ``define_worker``.

    The keywords are literals; ``flow`` and ``worker`` may be ``FlowConfig(...)`` and ``WorkerConfig(...)``.
    Raises ``UnreadableError`` for anything else, for a syntax error, and for a file without a handler.
    """
    try:
        module = ast.parse(text, str(path))
    except SyntaxError as error:
        raise UnreadableError(error.lineno or 1, f"syntax error: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # NUL in the source, or nested too deep
        raise UnreadableError(1, f"not Python: {error}") from None
    found = _config(module)
    if found is not None:
        return Written(path, found.lineno, _keywords(found))
    if not any(_gives_handler(statement) for statement in module.body):
        raise UnreadableError(1, _NO_WORKER)
    return Written(path)


def _config(module: ast.Module) -> ast.Call | None:
    """The call that configures the module, if there is one; it must be the only one."""
    first, *others = [*_configs(module), None]
    if first is None:
        others = [node for node in ast.walk(module) if _is_call(node, "define_config")]
    for other in others:
        if other is not None:
            raise UnreadableError(other.lineno, _NOT_ONE)
    return first


def _configs(module: ast.Module) -> Iterator[ast.Call]:
    """The calls of ``define_config`` that configure the module; an error where it is something else."""
    for statement in module.body:
        if _assigned(statement, "config"):
            value = statement.value  # type: ignore[attr-defined]
            if not _is_call(value, "define_config", "Config"):
                raise UnreadableError(
                    value.lineno, "config must be define_config(...), to be read without running it"
                )
            yield value
    for call in (node for statement in module.body for node in ast.walk(statement)):
        if _is_call(call, "define_worker"):
            given = [*call.args[1:], *(k.value for k in call.keywords if k.arg == "config")]
            yield from (each for each in given if _is_call(each, "define_config", "Config"))


def _keywords(call: ast.Call) -> dict[str, Any]:
    if call.args:
        raise UnreadableError(call.args[0].lineno, f"{_called(call)} takes keywords only")
    values: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise UnreadableError(keyword.value.lineno, _SPREAD)
        values[keyword.arg] = _literal(keyword.arg, keyword.value)
    return values


def _literal(name: str, node: ast.expr) -> Any:
    if _is_call(node, *_TABLES, "dict"):
        return _keywords(node)
    if isinstance(node, ast.Dict):
        return {
            _literal("a key", key): _literal(f"{name}[{ast.unparse(key)}]", value)
            for key, value in _items(node)
        }
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        raise UnreadableError(
            node.lineno,
            f"{name} must be a literal, to be read without running the file, not {ast.unparse(node)}",
        ) from None


def _items(node: ast.Dict) -> Iterator[tuple[ast.expr, ast.expr]]:
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            raise UnreadableError(value.lineno, _SPREAD)
        yield key, value


def _is_call(node: ast.AST | None, *names: str) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and _called(node) in names


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _assigned(statement: ast.stmt, *names: str) -> bool:
    if isinstance(statement, ast.AnnAssign):
        targets: list[ast.expr] = [statement.target] if statement.value is not None else []
    else:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
    return any(isinstance(target, ast.Name) and target.id in names for target in targets)


def _gives_handler(statement: ast.stmt) -> bool:
    """Whether it defines a handler, takes one from elsewhere, or serves one by itself."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return statement.name in _HANDLERS
    if isinstance(statement, ast.ImportFrom):
        return any((alias.asname or alias.name) in _HANDLERS for alias in statement.names)
    return _assigned(statement, *_HANDLERS) or any(
        _is_call(node, "define_worker", "run_worker") for node in ast.walk(statement)
    )
