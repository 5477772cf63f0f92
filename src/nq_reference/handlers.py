"""In-process handlers, imported from the files that the registry found."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from nq_conformance.contract import WorkerHandler
from nq_reference.config import ConfigError
from nq_reference.worker.defining import DefinedWorker

_numbers = itertools.count(1)  # two files of one name are two modules
_beside: dict[str, dict[str, ModuleType]] = {}
"""What handlers have imported from their own folders, by folder and name."""


def load_handler(path: Path) -> WorkerHandler:
    """Import ``path`` and return its handler: ``handler``, else ``default``, else what ``define_worker``
    made of one.

    It can import what lies beside it. Raises ``ConfigError`` if there is none, or none that is async;
    whatever the file itself raises, be it the end of the program, becomes the cause of one.
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
        with _modules_beside(path.parent):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ConfigError(f"{path}: importing it failed: {error!r}") from error
    return module


@contextmanager
def _modules_beside(place: Path) -> Iterator[None]:
    """While it lasts, imports find what lies in the folder ``place``, as they do in a process of its own.

    Folders of handlers are the last on ``sys.path``, so that no worker's file hides a module that this
    process needs, and this one is the first of them. Modules of one name in two folders are two; of
    those, an import within a function, later on, finds the one that was imported first.
    """
    folder = str(place.absolute())
    ours = [each for each in sys.path if each in _beside]
    if folder in ours or folder not in sys.path:
        sys.path[:] = [*(each for each in sys.path if each not in ours), *dict.fromkeys((folder, *ours))]
    own = _beside.setdefault(folder, {})
    others = _namesakes(folder)
    for name in others:
        del sys.modules[name]
    sys.modules.update(own)
    known = set(sys.modules)
    try:
        yield
    finally:
        own.update({name: sys.modules[name] for name in set(sys.modules) - known if _lies_in(folder, name)})
        sys.modules.update(others)


def _namesakes(folder: str) -> dict[str, ModuleType]:
    """Modules from beside other handlers, which ``folder`` has modules of its own for."""
    foreign = {name for place, modules in _beside.items() if place != folder for name in modules}
    return {
        name: sys.modules[name]
        for name in foreign & set(sys.modules)
        if not _lies_in(folder, name) and PathFinder.find_spec(name.partition(".")[0], [folder])
    }


def _lies_in(folder: str, name: str) -> bool:
    """Whether a module, or the package that it is part of, was found in ``folder``."""
    package = sys.modules.get(name.partition(".")[0])
    file = getattr(package, "__file__", None)
    places = getattr(package, "__path__", None) or ([file] if file else [])
    return any(str(Path(each).parent) == folder for each in places)


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
