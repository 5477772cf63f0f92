"""In-process handlers, imported from the files that the registry found."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from nq_conformance.contract import WorkerHandler
from nq_reference.config import ConfigError
from nq_reference.worker.defining import DefinedWorker

_numbers = itertools.count(1)  # two files of one name are two modules


def load_handler(path: Path) -> WorkerHandler:
    """Import ``path`` and return its handler: ``handler``, else ``default``, else what ``define_worker``
    made of one.

    Raises ``ConfigError`` if there is none, or none that is async; whatever the file itself raises
    becomes the cause of one.
    """
    module = _imported(path)
    handler = _handler_in(vars(module))
    if isinstance(handler, DefinedWorker):
        handler = handler.handler
    if handler is None:
        raise ConfigError(f"{path}: no handler; define `async def handler(data, ctx)`")
    if not _is_async(handler):
        raise ConfigError(
            f"{path}: a handler in this process must be `async def`: it would hold up all others. "
            'Make it async, or give the file runtime="python"'
        )
    found: WorkerHandler = handler
    return found


def _imported(path: Path) -> ModuleType:
    name = f"nq_handler_{next(_numbers)}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path}: Python can't import a file of this name")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ConfigError(f"{path}: importing it failed: {error!r}") from error
    return module


def _handler_in(names: Mapping[str, Any]) -> Any:
    for name in ("handler", "default"):
        if callable(names.get(name)):
            return names[name]
    defined = [each for each in names.values() if isinstance(each, DefinedWorker)]
    return defined[0] if len(defined) == 1 else None


def _is_async(handler: Any) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004 - of an object, its method
    )
