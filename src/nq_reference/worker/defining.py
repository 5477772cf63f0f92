"""``define_worker``: a handler together with its configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # config.py imports dataclasses, which a child that has no config need not pay for
    from nq_reference.worker.config import Config


class DefinedWorker:
    """A handler with its ``config``. Called, it calls the handler."""

    __slots__ = ("config", "handler")

    def __init__(self, handler: Callable[[Any, Any], Any], config: Config | None) -> None:
        self.handler = handler
        self.config = config

    def __call__(self, data: Any, ctx: Any) -> Any:
        """What the handler makes of it."""
        return self.handler(data, ctx)


def define_worker(handler: Callable[[Any, Any], Any], config: Config | None = None) -> DefinedWorker:
    """Make ``handler(data, ctx)``, async or not, the handler of the module that holds the result.

    Raises ``TypeError`` if it can't be called.
    """
    if not callable(handler):
        raise TypeError(f"a handler must be callable, not {handler!r}")
    return DefinedWorker(handler, config)
