"""A thread for calls that block, and the way of their answers back to the event loop.

It is on the way of every job of a backend on disk: ``anyio.to_thread`` and a task that waits for
it would cost there twice as much as the backend itself.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeAlias

from nq_reference import background

logger = logging.getLogger("nq_reference")
Call: TypeAlias = Callable[[], Any]
Then: TypeAlias = Callable[[Any, BaseException | None], None]
"""Called on the event loop with what a call returned or raised. It never raises."""
_Order: TypeAlias = tuple[Call, Then, Callable[[Callable[[], None]], object]]


class BlockingThread:
    """Makes calls one after the other, in a thread that begins with the first of them.

    ``close`` ends it; so does the end of its owner. After that it may begin anew.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._orders: SimpleQueue[_Order | None] | None = None

    def hand(self, call: Call, then: Then) -> None:
        """Make ``call`` when all before it are done, then ``then`` on the event loop that runs now."""
        if self._orders is None:
            self._orders = SimpleQueue()
            weakref.finalize(self, self._orders.put, None)
            threading.Thread(target=_work, args=(self._orders,), name=self._name, daemon=True).start()
        self._orders.put((call, then, background.threadsafe()))

    async def run(self, call: Call) -> Any:
        """What ``call`` returns or raises. It is made even if this is cancelled meanwhile."""
        bell = background.bell()
        answers: list[tuple[Any, BaseException | None]] = []

        def answered(value: Any, error: BaseException | None) -> None:
            answers.append((value, error))
            bell.ring()

        self.hand(call, answered)
        while not answers:
            await bell.wait()
        value, error = answers[0]
        if error is not None:
            raise error
        return value

    def close(self) -> None:
        """End the thread once it has done what it was handed; does not wait. Idempotent."""
        if self._orders is not None:
            self._orders.put(None)
            self._orders = None


def _work(orders: SimpleQueue[_Order | None]) -> None:
    # Knows nothing of its owner, which may be forgotten without having been closed.
    while (order := orders.get()) is not None:
        call, then, on_loop = order
        value, failed = None, None
        try:
            value = call()
        except BaseException as error:  # it belongs to whoever asked
            failed = error
        try:
            on_loop(_bound(then, value, failed))
        except RuntimeError:
            logger.debug("the event loop is gone; nobody learns how a call ended")
        del order, call, then, on_loop, value, failed  # nothing is kept while it waits


def _bound(then: Then, value: Any, error: BaseException | None) -> Callable[[], None]:
    return lambda: then(value, error)
