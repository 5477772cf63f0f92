"""Counts the handler's calls in a worker, from any thread, and keeps their times."""

from __future__ import annotations

import asyncio
import itertools
import time

RESULT = True
"""What every handler returns, so that systems which store results have one to store."""


class Tally:
    """``hit`` is the first line of every handler that is measured.

    ``skipped`` calls come before the clock starts. ``latencies_ms`` are from the moment that
    stands in a job (``sent``, nanoseconds of the system-wide monotonic clock) to the call.
    """

    def __init__(self, total: int, skipped: int = 0) -> None:
        self.latencies_ms: list[float] = []
        self._total = total
        self._skipped = skipped
        self._calls = itertools.count(1)  # atomic, unlike +=
        self._first_ns = 0
        self._last_ns = 0
        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()

    def hit(self, sent: int) -> None:
        """Count one call."""
        now = time.monotonic_ns()
        call = next(self._calls)
        if call <= self._skipped:
            return
        if sent:
            self.latencies_ms.append((now - sent) / 1e6)
        if call == self._skipped + 1:
            self._first_ns = now
        if call == self._skipped + self._total:
            self._last_ns = now
            self._loop.call_soon_threadsafe(self._done.set)

    async def complete(self) -> None:
        """Wait for the last call."""
        await self._done.wait()

    @property
    def rate(self) -> float:
        """Calls a second, from the first to the last."""
        return (self._total - 1) / ((self._last_ns - self._first_ns) / 1e9)
