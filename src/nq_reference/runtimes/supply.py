"""The children of one handler: the next is started ahead, a used one serves again if it may.

A child that is started ahead has loaded the handler's module when its job comes, so that in a steady stream
no job waits for a start.
"""

from __future__ import annotations

import logging

from nq_reference import background
from nq_reference.runtimes.child import Child
from nq_reference.runtimes.command import Command
from nq_reference.runtimes.errors import ChildStartError
from nq_reference.runtimes.options import ChildOptions
from nq_reference.runtimes.warden import Warden

logger = logging.getLogger("nq_reference.children")


class Supply:
    """Gives out children, and takes them back."""

    def __init__(self, command: Command, options: ChildOptions, warden: Warden) -> None:
        self._command = command
        self._options = options
        self._warden = warden
        self._ready: list[Child] = []
        self._ending: set[background.BackgroundTask] = set()
        self._closed = False

    def take(self) -> Child:
        """A child for one job, which must be given back. Raises ``ChildStartError``."""
        while self._ready:
            child = self._ready.pop(0)
            if child.fit:
                return child
            self._retire(child)
        return self._start()

    def start_ahead(self) -> None:
        """Start what there should be in reserve; that it can't be done shows with the next job."""
        try:
            while len(self._ready) < self._options.spares and not self._closed:
                self._ready.append(self._start())
        except ChildStartError as error:
            logger.warning("no child process was started ahead: %s", error)

    async def give_back(self, child: Child) -> None:
        """Take back a child. One that is broken has ended when this returns; one that has done its
        jobs ends by itself, and nobody waits for it before ``close``."""
        if not child.fit:
            await child.end()
        elif child.jobs < self._options.reuse and not self._closed:
            self._ready.append(child)
        else:
            self._retire(child)

    async def close(self) -> None:
        """End all children that are not at work, and return once they are gone. Those at work end
        when they are given back."""
        self._closed = True
        while self._ready:
            self._retire(self._ready.pop())
        while self._ending:
            await next(iter(self._ending)).wait()

    def _start(self) -> Child:
        return Child(self._command, self._options, self._warden)

    def _retire(self, child: Child) -> None:
        async def end() -> None:
            try:
                await child.end(gently=True)
            finally:
                self._ending.discard(task)

        task = background.spawn_logged(end, "end of a child process")
        self._ending.add(task)
