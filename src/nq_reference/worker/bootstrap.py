"""The main program of a Python child: ``python bootstrap.py PATH``, or ``MODULE:FUNCTION`` for the path.

A script is run as ``__main__``, with stdin and stdout as they are: it may speak the protocol by itself.
If it ends and has not served, its handler is served.
"""

from __future__ import annotations

import os
import sys
from typing import Any

PATH_VARIABLE = "NQ_WORKER_PATH"
"""Where the parent says what else its modules are found in; not passed on to grandchildren."""


def main(target: str) -> None:
    """Load the handler and serve it, until the parent closes stdin."""
    _search_as_the_parent_does(os.path.dirname(target) if target.endswith(".py") else os.getcwd())  # noqa: PTH120, PTH109
    if target.endswith(".py"):
        handler = _run_script(target)
    else:
        module, _, name = target.partition(":")
        handler = _attribute(module, name)
    if handler is None:
        return
    from nq_reference.worker.serving import run_worker  # noqa: PLC0415 - the path is set only now

    run_worker(handler)


def _search_as_the_parent_does(first: str) -> None:
    """The folder of this file is not for others to import from; the script's folder is."""
    sys.path[: 0 if sys.flags.safe_path else 1] = [first]
    given = os.environ.pop(PATH_VARIABLE, "")
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
    sys.path += [place for place in (*given.split(os.pathsep), here) if place and place not in sys.path]


def _run_script(path: str) -> Any:
    """Run it as ``python PATH`` would; returns the handler that is left to be served, or ``None``."""
    sys.argv[:] = [path]
    main_module = type(sys)("__main__")
    main_module.__dict__.update(__file__=path, __builtins__=__builtins__)
    sys.modules["__main__"] = main_module
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib would be the dearest import of all
        code = compile(file.read(), path, "exec")
    exec(code, main_module.__dict__)  # noqa: S102 - that is what a script is for
    serving = sys.modules.get("nq_reference.worker.serving")
    if serving is not None and serving.served:
        return None
    return _handler_in(main_module.__dict__, path)


def _handler_in(names: dict[str, Any], path: str) -> Any:
    for name in ("handler", "default"):
        if callable(names.get(name)):
            return names[name]
    defining = sys.modules.get("nq_reference.worker.defining")
    defined = [n for n, each in names.items() if defining and isinstance(each, defining.DefinedWorker)]
    if len(defined) == 1:
        return names[defined[0]]
    if _request_is_unread():
        found = f"has several: {', '.join(defined)}" if defined else "has none, and has not spoken by itself"
        sys.stderr.write(f"{path} must define one handler, a function `handler` for instance; it {found}\n")
        raise SystemExit(1)
    return None


def _request_is_unread() -> bool:
    """Whether the parent waits for an answer that nobody will give: a script that spoke by itself has
    read what came."""
    from select import POLLIN, poll  # noqa: PLC0415 - rarely needed

    asked = poll()
    asked.register(0, POLLIN)
    return any(events & POLLIN for _, events in asked.poll(0))


def _attribute(module: str, name: str) -> Any:
    from importlib import import_module  # noqa: PLC0415 - a script does not need it

    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"{module}:{name} must be callable, not {found!r}")
    return found


if __name__ == "__main__":
    main(sys.argv[1])
