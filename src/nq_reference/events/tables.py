"""Step events in a table, of Postgres or SQLite."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources

from nq_conformance.contract import StepEvent
from nq_reference import background
from nq_reference.events import wire
from nq_reference.events.base import StepEvents, StepListener
from nq_reference.events.feed import Feed
from nq_reference.events.forgetting import PORTION, Forgetting
from nq_reference.tables.base import Tables

HISTORY_MS = 7 * 24 * 3_600_000
"""How long an event is kept."""

POLL_S = 0.2
"""How long events of other processes may take to be seen; those of this one are seen at once."""

_HISTORY = "SELECT event FROM nq.step_event WHERE flow = $1 ORDER BY number"
_END = "SELECT coalesce(max(number), 0) FROM nq.step_event"
_AFTER = "SELECT number, event FROM nq.step_event WHERE number > $1 ORDER BY number LIMIT 500"
_FORGET_EVERY = 1_000


class TableEvents(StepEvents):
    """Shared by all who use the same tables. Raises their client's errors.

    Events are forgotten after ``history_ms``, by whoever opens or has published a thousand more; neither
    waits for that, or fails if it does.
    """

    def __init__(self, tables: Tables, *, history_ms: int = HISTORY_MS) -> None:
        self._tables = tables
        self._keep_ms = history_ms
        self._published = 0
        self._bell: background.Bell | None = None
        self._feed = Feed(self)
        self._forgetting = Forgetting(self._forget)

    async def _connect(self) -> None:
        await self._tables.open("nq.step_event", self._sql("table"))
        self._forgetting.begin()

    async def _disconnect(self) -> None:
        await self._forgetting.stop()
        await self._feed.close()
        await self._tables.close()

    async def _publish(self, event: StepEvent) -> None:
        await self._tables.rows(self._sql("append"), _flow(event.run_id), wire.encode(event), _now_ms())
        if self._bell is not None:
            self._bell.ring()
        self._published += 1
        if self._published % _FORGET_EVERY == 0:
            self._forgetting.begin()

    async def _history(self, flow_id: str) -> Sequence[StepEvent]:
        return [wire.decode(row[0]) for row in await self._tables.rows(_HISTORY, _flow(flow_id))]

    async def _subscribe(self, listener: StepListener, flow_id: str | None) -> Callable[[], None]:
        return await self._feed.subscribe(listener, flow_id)

    async def end(self) -> int:
        """See ``Log``."""
        return int((await self._tables.rows(_END))[0][0])

    async def after(self, place: int) -> Sequence[tuple[int, StepEvent]]:
        """See ``Log``. Waits for up to ``POLL_S``."""
        if self._bell is None:
            self._bell = background.bell()
        self._bell.clear()
        rows = await self._tables.rows(_AFTER, place)
        if not rows:
            await self._bell.wait(POLL_S)
        return [(row[0], wire.decode(row[1])) for row in rows]

    async def _forget(self) -> int:
        return len(await self._tables.rows(self._sql("forget"), _now_ms() - self._keep_ms, PORTION))

    def _sql(self, name: str) -> str:
        return _text(f"{self._tables.dialect}_{name}.sql")


@cache
def _text(file: str) -> str:
    return (resources.files(__package__) / "sql" / file).read_text("utf-8")


def _flow(flow_id: str) -> str:
    return flow_id.replace("\0", "\N{REPLACEMENT CHARACTER}")  # which no column takes


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
