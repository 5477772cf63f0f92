"""What a handler's text names, and whether it is of the runtime (``ChildHandler`` in the contract)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from nq_conformance.contract import InvalidWorkerError, Runtime

SUFFIXES: dict[str, tuple[str, ...]] = {"python": (".py",), "node-isolated": (".mjs", ".js", ".cjs")}
_ATTRIBUTE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def check_handler(handler: Any, runtime: Runtime) -> None:
    """Raise ``InvalidWorkerError`` if ``handler`` can't be run by ``runtime``."""
    if runtime == "in-process":
        if isinstance(handler, str):
            raise InvalidWorkerError(
                f"the handler {handler!r} is text, which the runtime in-process can't call; give a function, "
                "or the runtime python or node-isolated"
            )
        if not callable(handler):
            raise InvalidWorkerError(f"a handler must be callable, not {handler!r}")
    else:
        target_of(handler, runtime)


def target_of(handler: Any, runtime: Runtime) -> str:
    """An absolute path, or ``module:function``. Raises ``InvalidWorkerError`` for anything else."""
    suffixes = SUFFIXES[runtime]
    wanted = f"the path of a script ({', '.join('*' + each for each in suffixes)})"
    if runtime == "python":
        wanted += " or module:function"
    if not isinstance(handler, str):
        raise InvalidWorkerError(f"a handler of the runtime {runtime} is {wanted}, as text, not {handler!r}")
    if handler.endswith(suffixes):
        return _script(handler)
    if runtime == "python" and _ATTRIBUTE.fullmatch(handler):
        return handler
    raise InvalidWorkerError(f"a handler of the runtime {runtime} is {wanted}, not {handler!r}")


def _script(handler: str) -> str:
    path = Path(handler).absolute()
    if "\0" in handler or not path.is_file():
        raise InvalidWorkerError(f"the handler {handler!r} is no file: there is none at {str(path)!r}")
    return str(path)
