"""What SIGTERM and SIGINT do to a command that runs until it is told to end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio

from nq_reference import background


@contextmanager
def heeding(*orders: Callable[[], None]) -> Iterator[None]:
    """In this context the first signal is the first of ``orders``, and so on; signals beyond them do
    nothing. On the main thread only."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:

        async def heed() -> None:
            for order in orders:
                await anext(signals)
                order()

        task = background.spawn(heed, "nq-signals")
        try:
            yield
        finally:
            task.cancel()
