"""A worker's ear for new work: waits for the marker on a queue's wake list, when asked to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from nq_reference import background
from nq_reference.sources.redis.connections import BLOCK_MS, BlockingCalls, stop

_log = logging.getLogger("nq_reference.redis")


class WakeWatch:
    """Takes one marker for each ``arm``, on a connection of its own, and calls ``notify``.

    While it is not armed it leaves the marker to other workers.
    """

    def __init__(self, calls: BlockingCalls, wake_key: str, notify: Callable[[], None]) -> None:
        self._calls = calls
        self._wake_key = wake_key
        self._notify = notify
        self._armed = asyncio.Event()
        self.closed = False
        self._failures = 0
        self._task: asyncio.Task[None] | None = None

    def arm(self) -> None:
        """Ask for one ``notify``; asked again before it came, that is still one."""
        if self.closed:
            return
        self._armed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._listen(), name=f"nq-watch {self._wake_key}")

    async def close(self) -> None:
        """Stop listening and let the connection go. Idempotent."""
        self.closed = True
        if self._task is not None:
            await stop(self._task)
        await self._calls.close()

    async def _listen(self) -> None:
        while True:
            await self._armed.wait()
            if await self._woken():
                self._armed.clear()
                self._call()

    async def _woken(self) -> bool:
        """Whether there may be work. A broken connection counts as yes, after a pause: better
        the worker looks for itself than that it waits for a marker that can't reach it (FLT-03)."""
        try:
            marker = await self._calls.execute("BLPOP", self._wake_key, BLOCK_MS // 1000)
        except Exception as error:  # whatever it is, the worker must not go deaf
            pause_s = background.pause_after(self._failures)
            self._failures += 1
            _log.warning(
                "Waiting for work on %s failed, next try in %.1f s: %r", self._wake_key, pause_s, error
            )
            await asyncio.sleep(pause_s)
            return True
        self._failures = 0
        return marker is not None

    def _call(self) -> None:
        try:
            self._notify()
        except Exception:
            _log.exception("The callback of the watch on %s raised", self._wake_key)
