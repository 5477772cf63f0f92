"""A queue's events as its table keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, cast

from nq_conformance.contract import QueueEvent
from nq_reference.event_reader import Happening
from nq_reference.sources.postgres.listener import Listener

_BATCH = 200
Fetch = Callable[[int, int], Awaitable[Sequence[Any]]]
"""Rows of the queue's events after a number, so many at most."""


class QueueEvents:
    """See ``EventLog``. Points are the numbers of the queue's changes."""

    def __init__(self, listener: Listener, queue: str, fetch: Fetch) -> None:
        self._listener = listener
        self._queue = queue
        self._fetch = fetch
        self._more = asyncio.Event()

    async def end(self) -> int:
        """See ``EventLog.end``."""
        return await self._listener.join(self._queue)

    def begin(self) -> None:
        """See ``EventLog.begin``."""
        self._listener.hear(self._queue, self._more.set)

    def finish(self) -> None:
        """See ``EventLog.finish``."""
        self._listener.unhear(self._queue, self._more.set)

    async def after(self, point: int) -> tuple[int, Sequence[Happening[int]]]:
        """See ``EventLog.after``. Waits until there is said to be something."""
        await self._more.wait()
        self._more.clear()
        try:
            rows = await self._fetch(point, _BATCH)
        except Exception:
            self._more.set()  # it is still there
            raise
        if len(rows) == _BATCH:
            self._more.set()
        return rows[-1][0] if rows else point, [each for row in rows for each in _happenings(row)]


def _happenings(row: Sequence[Any]) -> Iterator[Happening[int]]:
    number, events, ids, details = row
    for event, id_, detail in zip(events, ids, details, strict=True):
        told = int(detail) if event == "delayed" else detail
        yield Happening(number, cast("QueueEvent", event), id_, told)
