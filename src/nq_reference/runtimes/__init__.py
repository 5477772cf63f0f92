"""Handlers in child processes: ``runtime="python"`` and ``"node-isolated"``, for every manager (RPC-*).

A ``ChildHandler`` is called as any handler is, so that no worker knows that there are children.
"""

from nq_reference.runtimes.children import Children
from nq_reference.runtimes.errors import (
    ChildError,
    ChildExitedError,
    ChildHandlerError,
    ChildProtocolError,
    ChildStartError,
)
from nq_reference.runtimes.handler import ChildHandler
from nq_reference.runtimes.options import DEFAULT_ENV, ChildOptions, ChildWorkerOptions

__all__ = [
    "DEFAULT_ENV",
    "ChildError",
    "ChildExitedError",
    "ChildHandler",
    "ChildHandlerError",
    "ChildOptions",
    "ChildProtocolError",
    "ChildStartError",
    "ChildWorkerOptions",
    "Children",
]
