"""Waking workers: at once for what this process does, by a poll for what others do.

The poll asks for a number that changes with every commit, a few microseconds' work, while a worker
is idle or somebody listens. Only when it has changed are events and queues looked at. The longer
nothing has changed, the longer the poll rests: it finds what comes within a small part of the time
that was waited for it, and a process with nothing to do costs next to nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from nq_reference import background
from nq_reference.sources.sqlite.events import Key

_log = logging.getLogger("nq_reference.sqlite")
POLL_MS = 50
"""How late this process learns of a job or an event of another one, about, at most."""
_BRISK_MS = 1
_PATIENCE = 30  # it rests for this part of the time since something changed
_AFTER_LOOK_MS = 5  # a look costs more than the question, and our own commits cause looks, too
_SLOW_MS = 1_000


@dataclass(slots=True)
class QueueLook:
    """What this source knows of one queue's offers.

    ``fresh`` is set when something has come, until an exchange leaves nothing of it; ``next_at``
    is when the last exchange wanted another look (epoch ms).
    """

    key: Key
    armed: list[SqliteWatch] = field(default_factory=list)
    fresh: bool = False
    next_at: int | None = None

    def wake(self) -> None:
        """Notify each worker that is armed, once; who arms later is notified at once."""
        armed, self.armed = self.armed, []
        self.fresh = True
        for watch in armed:
            watch.notify()

    def offers(self, waiting: bool, next_at: int | None) -> None:
        """Take in what a poll has seen."""
        sooner = next_at is not None and (self.next_at is None or next_at < self.next_at)
        if waiting or sooner:
            self.wake()


class SqliteWatch:
    """See ``Watch``."""

    def __init__(self, queue: QueueLook, notify: Callable[[], None], poll: Callable[[], None]) -> None:
        self._queue = queue
        self._poll = poll
        self.notify = notify

    def arm(self) -> None:
        """Ask for one notification; it comes at once if something has come already.

        The caller of an exchange waits for its transaction, and can't be armed meanwhile.
        """
        if self._queue.fresh:
            self.notify()
        elif self not in self._queue.armed:
            self._queue.armed.append(self)
            self._poll()

    async def close(self) -> None:
        """Stop listening."""
        if self in self._queue.armed:
            self._queue.armed.remove(self)


class Poller:
    """Calls ``look`` whenever something has ``changed``, for as long as it is ``needed``."""

    def __init__(
        self, changed: Callable[[], bool], look: Callable[[], Awaitable[None]], needed: Callable[[], bool]
    ) -> None:
        self._changed = changed
        self._look = look
        self._needed = needed
        self._task: background.BackgroundTask | None = None
        self._closed = False

    def start(self) -> None:
        """Begin, if it is not at it already."""
        if self._task is None and not self._closed:
            self._bell = background.bell()
            self._task = background.spawn_logged(self._run, "nq-sqlite-poll")

    async def close(self) -> None:
        """End it. Idempotent."""
        self._closed = True
        if self._task is not None:
            self._bell.ring()
            await self._task.wait()

    async def _run(self) -> None:
        rest_ms: float = _BRISK_MS
        changed_at = time.monotonic()
        try:
            while self._needed() and not self._closed:
                await self._bell.wait(rest_ms / 1000)
                if self._closed:
                    return
                if self._has_changed():
                    rest_ms = await self._look_once(rest_ms)
                    changed_at = time.monotonic()
                else:
                    quiet_ms = (time.monotonic() - changed_at) * 1000
                    rest_ms = min(max(quiet_ms / _PATIENCE, _BRISK_MS), POLL_MS)
        finally:
            self._task = None

    def _has_changed(self) -> bool:
        try:
            return self._changed()
        except Exception:  # whatever it is, the look will tell
            return True

    async def _look_once(self, rest_ms: float) -> float:
        """Look, and return how long to rest before the next time; longer while it fails."""
        try:
            await self._look()
        except Exception as error:  # whatever it is, the worker must not go deaf
            _log.warning("looking for what other processes did failed: %r", error)
            return min(max(2 * rest_ms, POLL_MS), _SLOW_MS)
        return _AFTER_LOOK_MS
