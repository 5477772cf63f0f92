"""Step events in Redis: a stream for each flow, its history, and one of all, for subscribers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nq_conformance.contract import StepEvent
from nq_reference.events import wire
from nq_reference.events.base import HISTORY_MS, StepEvents, StepListener
from nq_reference.events.feed import Feed
from nq_reference.names import escape
from nq_reference.sources.redis.connections import blocking_client, command_client
from nq_reference.sources.redis.streams import EntryId, Stream

_FLOW_LENGTH = 100_000
_ALL_LENGTH = 100_000


class RedisEvents(StepEvents):
    """Shared by all of one ``url`` and ``prefix``. Raises redis-py's errors; belongs to one event loop.

    A flow keeps about its last 100,000 events, until ``history_ms`` after the last one. So many
    of all flows may a subscriber be behind before it misses some.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "nq",
        timeout_ms: int = 5_000,
        max_connections: int = 8,
        history_ms: int = HISTORY_MS,
    ) -> None:
        self._client: Any = command_client(url, timeout_ms, max_connections)
        self._blocking: Any = blocking_client(url, timeout_ms)
        self._all = f"nq-events:{{{escape(prefix)}}}"
        self._keep_ms = history_ms
        self._stream = Stream(self._client, self._blocking, self._all)
        self._feed = Feed(self)

    async def _connect(self) -> None:
        await self._client.ping()

    async def _disconnect(self) -> None:
        await self._feed.close()
        await self._client.aclose()
        await self._blocking.aclose()

    async def _publish(self, event: StepEvent) -> None:
        fields: dict[Any, Any] = {"event": wire.encode(event)}
        flow = self._flow(event.run_id)
        async with self._client.pipeline(transaction=True) as calls:
            calls.xadd(flow, fields, maxlen=_FLOW_LENGTH)
            calls.pexpire(flow, self._keep_ms)
            calls.xadd(self._all, fields, maxlen=_ALL_LENGTH)
            await calls.execute()

    async def _history(self, flow_id: str) -> Sequence[StepEvent]:
        return [wire.decode(fields["event"]) for _, fields in await self._client.xrange(self._flow(flow_id))]

    async def _subscribe(self, listener: StepListener, flow_id: str | None) -> Callable[[], None]:
        return await self._feed.subscribe(listener, flow_id)

    async def end(self) -> EntryId:
        """See ``Log``."""
        return await self._stream.end()

    async def after(self, place: EntryId) -> Sequence[tuple[EntryId, StepEvent]]:
        """See ``Log``."""
        return [(id_, wire.decode(fields["event"])) for id_, fields in await self._stream.after(place)]

    def _flow(self, flow_id: str) -> str:
        return f"{self._all}:{escape(flow_id)}"
