"""Who listens to a queue in memory: workers for new work, subscribers for events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nq_reference.job_source import EventListener

if TYPE_CHECKING:
    from nq_reference.sources.memory.queue import MemoryQueue


class MemoryWatch:
    """See ``Watch``."""

    def __init__(self, queue: MemoryQueue, notify: Callable[[], None]) -> None:
        self._queue = queue
        self.notify = notify

    def arm(self) -> None:
        """Ask for one notification."""
        if self not in self._queue.armed:
            self._queue.armed.append(self)

    async def close(self) -> None:
        """Stop listening."""
        if self in self._queue.armed:
            self._queue.armed.remove(self)


class MemorySubscription:
    """See ``Subscription``. It listens at once."""

    def __init__(self, queue: MemoryQueue, listener: EventListener) -> None:
        self._queue = queue
        self.listener = listener
        self.closed = False

    async def ready(self) -> None:
        """Nothing to wait for."""

    def close(self) -> None:
        """End it."""
        self.closed = True
        self._queue.listeners = tuple(s for s in self._queue.listeners if s is not self)
