"""All children of one manager."""

from __future__ import annotations

import anyio

from nq_conformance.contract import Runtime
from nq_reference import background
from nq_reference.runtimes.command import command_for
from nq_reference.runtimes.handler import ChildHandler
from nq_reference.runtimes.options import ChildOptions, checked
from nq_reference.runtimes.supply import Supply
from nq_reference.runtimes.target import target_of
from nq_reference.runtimes.warden import Warden


class Children:
    """Makes handlers that run in children, and ends with them. ``options`` hold where a worker has none."""

    def __init__(self, options: ChildOptions | None = None) -> None:
        self.options = checked(options or ChildOptions())
        self._warden = Warden()
        self._handlers: set[ChildHandler] = set()

    def handler(self, target: str, runtime: Runtime, options: ChildOptions) -> ChildHandler:
        """A handler for ``target``. Raises ``InvalidWorkerError`` if it is none of ``runtime``'s."""
        command = command_for(target_of(target, runtime), runtime, options)
        handler = ChildHandler(Supply(command, options, self._warden), options)
        self._handlers.add(handler)
        return handler

    def dismiss(self, handler: object) -> None:
        """Another has taken the place of ``handler``; it is none of ours, perhaps."""
        if isinstance(handler, ChildHandler) and handler in self._handlers:
            background.spawn_logged(handler.close, "end of a handler that was replaced")

    async def close(self) -> None:
        """Return once no child is left. Their workers must have been closed before. Idempotent."""
        async with anyio.create_task_group() as group:
            for handler in self._handlers:
                group.start_soon(handler.close)
        self._warden.close()
