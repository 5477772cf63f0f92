"""Renews locks from a thread of its own while a handler blocks the event loop (STL-10).

Where the loop runs, the ``LockKeeper``'s task renews, and this thread only looks at the clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from nq_reference.job_source import JobSource

logger = logging.getLogger("nq_reference")
_LOOKS_PER_LOCK = 10
_STOP_TIMEOUT_S = 5.0

Held: TypeAlias = Sequence[tuple[str, str]]


class LockGuard:
    """Calls for ``overdue`` ten times in a lock's life, and renews what it says is held.

    ``twin`` gives a source over the same place; it is opened in this thread, on an event loop of
    its own, once it is needed. Until then a guard has a thread and no file descriptor, so that a process
    may have hundreds. A handler that holds the interpreter itself, as an extension written in C may do,
    stops this thread too.
    """

    def __init__(
        self,
        twin: Callable[[], JobSource],
        queue: str,
        lock_duration_ms: int,
        overdue: Callable[[], Held],
    ) -> None:
        self._twin = twin
        self._queue = queue
        self._lock_duration_ms = lock_duration_ms
        self._overdue = overdue
        self._source: JobSource | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look; idempotent. Where no thread can be had, that is logged; the next call tries anew."""
        if self._thread is not None:
            return
        thread = threading.Thread(target=self._run, name=f"nq locks of {self._queue}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            logger.warning(
                "a handler that blocks the event loop may lose its lock on queue %r: %r", self._queue, error
            )
            return
        self._thread = thread

    def ask_to_stop(self) -> None:
        """Have the thread end soon; does not wait."""
        self._stopping.set()

    def join(self) -> None:
        """Wait until it has ended and let go of its connection, at most some seconds."""
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT_S)

    def _run(self) -> None:
        # Not entered, as that would make the event loop, which `run` does when there is something to renew.
        with contextlib.closing(asyncio.Runner()) as runner:
            while not self._stopping.wait(self._lock_duration_ms / 1000 / _LOOKS_PER_LOCK):
                held = self._overdue()
                if held:
                    self._attempt(runner, held)
            if self._source is not None:
                runner.run(self._source.close())

    def _attempt(self, runner: asyncio.Runner, held: Held) -> None:
        try:
            runner.run(self._renew(held))
        except Exception as error:
            logger.warning(
                "a handler blocks the event loop, and %d locks of queue %r could not be renewed: %r",
                len(held),
                self._queue,
                error,
            )

    async def _renew(self, held: Held) -> None:
        self._source = self._source or await self._opened_twin()
        await self._source.extend_locks(self._queue, held, self._lock_duration_ms)

    async def _opened_twin(self) -> JobSource:
        source = self._twin()
        try:
            await source.open()
        except BaseException:
            await source.close()  # another is made next time
            raise
        return source
