"""Tasks that outlive the call that starts them, on asyncio and on trio.

The contract has no place for a task group: a worker starts in ``register_worker`` and
ends in ``close_all``, which may be called from anywhere. This is the one place that
knows how each event loop runs such a task.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

logger = logging.getLogger("nq_reference")
_running: set[asyncio.Task[None]] = set()  # asyncio itself keeps only weak references


class BackgroundTask:
    """A running call. What it raised is kept in ``error``, what it returned in ``value``."""

    def __init__(self, call: Callable[[], Awaitable[Any]], name: str) -> None:
        self.name = name
        self.value: Any = None
        self.error: BaseException | None = None
        self._call = call
        self._scope = anyio.CancelScope()
        self._finished = anyio.Event()

    @property
    def finished(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._finished.is_set()

    @property
    def cancel_called(self) -> bool:
        """Whether ``cancel`` was called: tells our cancellation from one that a handler raises."""
        return self._scope.cancel_called

    def cancel(self) -> None:
        """Cancel it; idempotent, does not wait."""
        self._scope.cancel()

    async def wait(self) -> None:
        """Wait until it has ended."""
        await self._finished.wait()

    async def stop(self) -> None:
        """Cancel it and wait until it has ended."""
        self.cancel()
        await self.wait()

    async def run(self) -> None:
        """Be the body of the task; never raises, so that no event loop is brought down."""
        try:
            with self._scope:
                self.value = await self._call()
        except BaseException as error:
            self.error = error
        finally:
            self._finished.set()


def spawn(call: Callable[[], Awaitable[Any]], name: str) -> BackgroundTask:
    """Run ``call`` in a task of its own on the current event loop."""
    task = BackgroundTask(call, name)
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        trio.lowlevel.spawn_system_task(task.run, name=name)
    else:
        running = asyncio.get_running_loop().create_task(task.run(), name=name)
        _running.add(running)
        running.add_done_callback(_running.discard)
    return task


def spawn_logged(call: Callable[[], Awaitable[Any]], name: str) -> BackgroundTask:
    """Like ``spawn``, for a task nobody waits for: an error it ends with is logged."""

    async def logged() -> None:
        try:
            await call()
        except Exception:
            logger.exception("the task %s ended with an error", name)

    return spawn(logged, name)
