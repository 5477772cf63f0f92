"""Tasks that outlive the call that starts them and how they are woken, on asyncio and on trio.

The contract has no place for a task group: a worker starts in ``register_worker`` and
ends in ``close_all``, which may be called from anywhere. This is the one place that
knows what each event loop is.
"""

from __future__ import annotations

import asyncio
import logging
import math
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel

logger = logging.getLogger("nq_reference")
_running: set[asyncio.Task[None]] = set()  # asyncio itself keeps only weak references


class Bell:
    """Wakes the one task that waits for it. Made and used on one event loop.

    It is on the way of every job, where ``anyio.Event`` and ``anyio.move_on_after`` would cost
    twice as much as all the rest of a wake-up.
    """

    def __init__(self) -> None:
        self._rung = False
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake the waiting task, or let the next ``wait`` return at once."""
        self._rung = True
        self._wake()

    def clear(self) -> None:
        """Forget that it was rung."""
        self._rung = False

    async def wait(self, timeout_s: float | None = None) -> None:
        """Return when it is rung, or was since it was cleared, or after ``timeout_s`` seconds."""
        if self._rung:
            await asyncio.sleep(0)  # others get their turn, however often it is rung
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = None if timeout_s is None else loop.call_later(timeout_s, self._wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _TrioBell(Bell):
    """The same by the means of anyio, which trio shares."""

    def __init__(self) -> None:
        super().__init__()
        self._event = anyio.Event()

    async def wait(self, timeout_s: float | None = None) -> None:
        if self._rung:
            await anyio.lowlevel.checkpoint()
            return
        self._event = anyio.Event()
        with anyio.move_on_after(math.inf if timeout_s is None else timeout_s):
            await self._event.wait()

    def _wake(self) -> None:
        self._event.set()


def bell() -> Bell:
    """A bell for the event loop that runs."""
    return _TrioBell() if _on_trio() else Bell()


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
    if _on_trio():
        sys.modules["trio"].lowlevel.spawn_system_task(task.run, name=name)
    else:
        running = asyncio.get_running_loop().create_task(task.run(), name=name)
        _running.add(running)
        running.add_done_callback(_running.discard)
    return task


def threadsafe() -> Callable[[Callable[[], None]], object]:
    """Has something called on the event loop that runs now, soon and in order, from any thread.

    It raises ``RuntimeError`` where that loop is gone.
    """
    if _on_trio():
        soon: Callable[[Callable[[], None]], object]
        soon = sys.modules["trio"].lowlevel.current_trio_token().run_sync_soon
        return soon
    return asyncio.get_running_loop().call_soon_threadsafe


def call_in_task(call: Callable[[], None]) -> None:
    """Call ``call`` from a task: for what the event loop itself has called, to call others who may use
    anyio, which knows no event loop outside of tasks. ``call`` never raises."""
    if _on_trio():  # all that it calls is called from a task
        call()
        return

    async def body() -> None:
        call()

    task = asyncio.get_running_loop().create_task(body())
    _running.add(task)
    task.add_done_callback(_running.discard)


def ends_this_task(error: BaseException) -> bool:
    """Whether ``error`` ends this task because its event loop is closing, as at the end of
    ``asyncio.run``, or the task is thrown away.

    A ``CancelledError`` that a handler or an event manager raises by itself does not (RTY-13), nor
    does one that comes of cancelling the task that runs the handler; see ``recover``.
    """
    if isinstance(error, GeneratorExit):
        return True
    if _on_trio():  # nobody can make one but trio
        return isinstance(error, sys.modules["trio"].Cancelled)
    if not isinstance(error, asyncio.CancelledError) or not is_cancelled():
        return False
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()  # when it closes it cancels all its tasks before any goes on
    others = [t for t in tuple(_running) if t is not task and not t.done() and t.get_loop() is loop]
    return all(other.cancelling() for other in others)


def is_cancelled() -> bool:
    """Whether somebody has cancelled this task of asyncio's; its next await may have to tell it yet."""
    task = None if _on_trio() else asyncio.current_task()
    return task is not None and task.cancelling() > 0


def recover() -> None:
    """Let this task go on as if it had not been cancelled: whoever did that had no right to."""
    while is_cancelled():
        asyncio.current_task().uncancel()  # type: ignore[union-attr] # there is one that is cancelled


def _on_trio() -> bool:
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_run())


def spawn_logged(call: Callable[[], Awaitable[Any]], name: str) -> BackgroundTask:
    """Like ``spawn``, for a task nobody waits for: an error it ends with is logged."""

    async def logged() -> None:
        try:
            await call()
        except Exception:
            logger.exception("the task %s ended with an error", name)

    return spawn(logged, name)


def pause_after(failures: int) -> float:
    """Seconds to rest before what runs in the background is tried again, after so many failures in a row
    before this one."""
    return float(min(5.0, 0.1 * 2 ** min(failures, 10)))
