"""A worker's ear for new work on one queue."""

from __future__ import annotations

import logging
from collections.abc import Callable

from nq_reference.sources.postgres.listener import Listener

_log = logging.getLogger("nq_reference.postgres")


class QueueWatch:
    """Calls ``notify`` once for each ``arm``. What comes while it is not armed is remembered: it may
    have come after the look at the queue that had found nothing."""

    def __init__(self, listener: Listener, queue: str, notify: Callable[[], None]) -> None:
        self._listener = listener
        self._queue = queue
        self._notify = notify
        self._listening = False
        self._armed = False
        self._rung = False
        self.closed = False

    def arm(self) -> None:
        """Ask for one ``notify``; asked again before it came, that is still one."""
        if self.closed:
            return
        self._armed = True
        if not self._listening:
            self._listening = True
            self._listener.watch(self._queue, self._ring)
        if self._rung:
            self._call()

    async def close(self) -> None:
        """Stop listening. Idempotent."""
        self.closed = True
        self._armed = False
        self._listener.unwatch(self._queue, self._ring)

    def _ring(self) -> None:
        self._rung = True
        if self._armed:
            self._call()

    def _call(self) -> None:
        self._armed = self._rung = False
        try:
            self._notify()
        except Exception:
            _log.exception("The callback of the watch on %s raised", self._queue)
