"""Whether an object has the methods of a protocol, and has them async where they are awaited.

Goes by names and kinds alone; what a method does is for the rules.
"""

from __future__ import annotations

import inspect
from typing import Any

_AWAITABLES = ("Awaitable", "Coroutine", "Future", "Task", "Generator")


def methods(protocol: type) -> dict[str, bool]:
    """The protocol's methods by name, and whether each is async."""
    return {
        name: inspect.iscoroutinefunction(value)
        for name, value in vars(protocol).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }


def missing(candidate: Any, protocol: type) -> list[str]:
    """Methods of ``protocol`` that ``candidate``, a class or an instance, lacks.

    One inherited from the protocol itself is a stub without a body, and so is missing. A
    class with ``__getattr__`` may have any method: nothing is missing.
    """
    if inspect.isclass(candidate) and hasattr(candidate, "__getattr__"):
        return []
    return [name for name in methods(protocol) if not _has(candidate, name, protocol)]


def resembles(candidate: Any, protocol: type) -> bool:
    """Whether ``candidate`` has at least half of the methods, so that it was meant to be one."""
    return 2 * len(missing(candidate, protocol)) <= len(methods(protocol))


def wrong_kinds(candidate: Any, protocol: type) -> list[str]:
    """A sentence for each method that is plain where the contract's is async, or the reverse."""
    sentences = []
    for name, is_async in methods(protocol).items():
        method = getattr(candidate, name, None)
        if not _can_be_told(method):
            continue
        if is_async and not _is_awaited(method):
            sentences.append(
                f"{name} is a plain method ({_defined_at(method)}) and the contract awaits it: write "
                f"async def {name}, or annotate its result as Awaitable if it returns one."
            )
        if not is_async and inspect.iscoroutinefunction(method):
            sentences.append(
                f"{name} is async ({_defined_at(method)}) and the contract does not await it: "
                f"write def {name}."
            )
    return sentences


def is_async(function: Any) -> bool:
    """Whether calling ``function`` gives no result yet: a coroutine, or a generator of either kind."""
    if not callable(function):
        return False
    call = type(function).__call__  # of an instance whose __call__ is async
    checks = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)
    return any(check(call) or check(function) for check in checks)


def _can_be_told(method: Any) -> bool:
    """Compiled methods, proxies and partial methods show nothing: they are left to the rules."""
    partial = hasattr(method, "_partialmethod") or hasattr(method, "__partialmethod__")
    return (inspect.isfunction(method) or inspect.ismethod(method)) and not partial


def _has(candidate: Any, name: str, protocol: type) -> bool:
    found = getattr(candidate, name, None)
    return callable(found) and getattr(found, "__func__", found) is not vars(protocol)[name]


def _is_awaited(method: Any) -> bool:
    if inspect.iscoroutinefunction(method) or inspect.iscoroutinefunction(inspect.unwrap(method)):
        return True
    annotation = str(inspect.signature(method).return_annotation)
    return not inspect.isasyncgenfunction(method) and any(word in annotation for word in _AWAITABLES)


def _defined_at(method: Any) -> str:
    code = inspect.unwrap(method).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"
