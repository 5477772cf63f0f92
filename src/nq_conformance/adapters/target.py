"""A target string and the object it names: parsing, importing, attribute look-up.

Knows nothing of adapters or providers; what the object is worth is judged in ``loading``.
"""

from __future__ import annotations

import difflib
import importlib
import keyword
import pkgutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from nq_conformance.adapters.errors import TargetError, foreign_frames, told

_NAMES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed ``module.path:Qualified.name``. ``role`` says what it was given as."""

    text: str
    role: str
    module: str
    name: str

    def error(self, problem: str, mend: str) -> TargetError:
        """The error about this target, to be raised."""
        return TargetError(self.text, self.role, problem, mend)


def parse(text: str, role: str) -> Target:
    """Split ``text`` at its colon. Raises ``TargetError`` where it is not ``module.path:Name``."""
    module, colon, name = text.strip().partition(":")
    if not colon:
        raise TargetError(text, role, "it has no colon.", f"write module.path:Name{_without_colon(text)}.")
    if "/" in module or "\\" in module or module.endswith(".py"):
        raise TargetError(
            text,
            role,
            f"{module!r} is a path, and the part before the colon is a module.",
            f"write it as you would import it, with dots, as in {_as_module(module)}:{name or 'Name'}.",
        )
    for part, which in ((module, "before"), (name, "after")):
        if not _is_dotted_name(part):
            problem = f"the part {which} the colon, {part!r}, is not a Python name."
            raise TargetError(text, role, problem, "write module.path:Name, as in mypkg.queues:Provider.")
    return Target(text.strip(), role, module, name)


def resolve(target: Target) -> Any:
    """The object that ``target`` names. Raises ``TargetError`` where it can't be had."""
    found: Any = _import(target)
    place = f"module {target.module!r} ({getattr(found, '__file__', None) or 'built in'})"
    for part in target.name.split("."):
        try:
            found = getattr(found, part)
        except Exception as error:
            # A module that computes its attributes may fail to make one that it offers.
            if isinstance(error, AttributeError) and part not in _offered(found):
                raise _attribute_missing(target, found, place, part) from error
            problem = f"reading {part!r} of {place} failed:{told(error)}"
            raise target.error(problem, _mend(error, "mend that line.")) from error
        place = repr(part)
    return found


def near(name: str, names: Iterable[str]) -> str:
    """`` Near: a, b.``, or nothing where no name is."""
    found = difflib.get_close_matches(name, list(names), n=3)
    return f" Near: {', '.join(found)}." if found else ""


def listed(names: Iterable[str]) -> str:
    """The names with commas between, cut where they are many."""
    every = sorted(names)
    more = len(every) - _NAMES_SHOWN
    return ", ".join(every[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _import(target: Target) -> ModuleType:
    try:
        return importlib.import_module(target.module)
    except ModuleNotFoundError as error:
        if _is_about(target, error):
            raise _module_missing(target, error.name or target.module) from error
        raise _import_failed(target, error) from error
    except (Exception, SystemExit) as error:
        raise _import_failed(target, error) from error


def _is_about(target: Target, error: ModuleNotFoundError) -> bool:
    """Whether the module asked for is missing itself, not one that its code imports."""
    name = error.name or ""
    return f"{target.module}.".startswith(f"{name}.") and not foreign_frames(error)


def _import_failed(target: Target, error: BaseException) -> TargetError:
    mend = f'mend that line; the whole error shows with: python -c "import {target.module}"'
    problem = f"{target.module!r} was found, but importing it failed:{told(error)}"
    return target.error(problem, _mend(error, mend))


def _mend(error: BaseException, otherwise: str) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"install what provides {error.name!r} for {sys.executable}."
    return otherwise


def _module_missing(target: Target, missing: str) -> TargetError:
    package, _, part = missing.rpartition(".")
    if not package:
        return target.error(_top_level_missing(missing), _where_to_look(missing))
    found = sys.modules[package]
    if not hasattr(found, "__path__"):
        problem = f"{package!r} ({found.__file__}) is a single file, so there is no {missing!r}."
        return target.error(problem, f"write {package}:Name.")
    names = [module.name for module in pkgutil.iter_modules(found.__path__)]
    place = next(iter(found.__path__))
    problem = f"package {package!r} was found ({place}), but it has no module {part!r}.{near(part, names)}"
    return target.error(problem, f"name one of its modules: {listed(names) or 'it has none'}.")


def _top_level_missing(name: str) -> str:
    where = "is" if _on_path(Path.cwd()) else "is not"
    return (
        f"no module {name!r} was found.\n    Python: {sys.executable}\n"
        f"    Current folder: {Path.cwd()} ({where} on sys.path)"
    )


def _where_to_look(name: str) -> str:
    for folder in (Path.cwd(), Path.cwd() / "src"):
        if ((folder / name).is_dir() or (folder / f"{name}.py").is_file()) and not _on_path(folder):
            return (
                f"{name!r} lies in {folder}, which is not on sys.path. Put PYTHONPATH={folder} before the "
                "command, or install the project with: python -m pip install -e ."
            )
    return "check the spelling, or install the package that has it for the Python named above."


def _on_path(folder: Path) -> bool:
    return any(Path(entry or ".").resolve() == folder.resolve() for entry in sys.path)


def _attribute_missing(target: Target, owner: Any, place: str, part: str) -> TargetError:
    names = _offered(owner)
    problem = f"{place} has no {part!r}.{near(part, names)}"
    return target.error(problem, f"name what is there: {listed(names) or 'it offers nothing'}.")


def _offered(owner: Any) -> list[str]:
    """Public names of a module or class; a module's own imports of modules are left out."""
    if isinstance(owner, ModuleType) and hasattr(owner, "__all__"):
        return [str(name) for name in owner.__all__]
    names = [name for name in vars(owner) if not name.startswith("_")] if hasattr(owner, "__dict__") else []
    hidden = (ModuleType, type(annotations))
    return [name for name in names if not isinstance(vars(owner)[name], hidden)]


def _is_dotted_name(text: str) -> bool:
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split("."))


def _without_colon(text: str) -> str:
    module, _, name = text.strip().rpartition(".")
    if module and _is_dotted_name(text.strip()):
        return f", as in {module}:{name}"
    return f", as in {text.strip()}:Provider" if _is_dotted_name(text.strip()) else ""


def _as_module(path: str) -> str:
    parts = path.replace("\\", "/").removesuffix(".py").split("/")
    return ".".join(part for part in parts if part not in {"", ".", "..", "src"}) or "mypkg"
