"""Step events in Redis: a list for each flow, its history, and a stream of all, for subscribers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

from nq_conformance.contract import StepEvent
from nq_reference.events import wire
from nq_reference.events.base import StepEvents, StepListener
from nq_reference.events.feed import Feed
from nq_reference.names import escape
from nq_reference.sources.redis.connections import blocking_client, command_client
from nq_reference.sources.redis.streams import EntryId, Stream

HISTORY_MS = 24 * 3_600_000
"""Shorter than in tables: each job that is in no flow is one of its own, and this is the server's memory."""

HISTORY_FLOWS = 100_000
"""At about a kilobyte each, if they are jobs that are in no flow."""

_FLOW_LENGTH = 100_000
_ALL_LENGTH = 100_000


class RedisEvents(StepEvents):
    """Shared by all of one ``url`` and ``prefix``. Raises redis-py's errors; belongs to one event loop.

    A flow keeps its last 100,000 events, until ``history_ms`` after the last one, or until ``history_flows``
    other flows have had an event since. About 100,000 of all flows may a subscriber be behind before it
    misses some.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "nq",
        timeout_ms: int = 5_000,
        max_connections: int = 8,
        history_ms: int = HISTORY_MS,
        history_flows: int = HISTORY_FLOWS,
    ) -> None:
        self._client: Any = command_client(url, timeout_ms, max_connections)
        self._blocking: Any = blocking_client(url, timeout_ms)
        self._all = f"nq-events:{{{escape(prefix)}}}"
        self._bounds = (_FLOW_LENGTH, _ALL_LENGTH, history_ms, history_flows)
        self._append = self._client.register_script(_script())
        self._stream = Stream(self._client, self._blocking, self._all)
        self._feed = Feed(self)

    async def _connect(self) -> None:
        await self._client.ping()

    async def _disconnect(self) -> None:
        await self._feed.close()
        await self._client.aclose()
        await self._blocking.aclose()

    async def _publish(self, event: StepEvent) -> None:
        keys = (self._flow(event.run_id), self._all, f"{self._all}:flows")
        await self._append(keys, (wire.encode(event), *self._bounds))

    async def _history(self, flow_id: str) -> Sequence[StepEvent]:
        return [wire.decode(text) for text in await self._client.lrange(self._flow(flow_id), 0, -1)]

    async def _subscribe(self, listener: StepListener, flow_id: str | None) -> Callable[[], None]:
        return await self._feed.subscribe(listener, flow_id)

    async def end(self) -> EntryId:
        """See ``Log``."""
        return await self._stream.end()

    async def after(self, place: EntryId) -> Sequence[tuple[EntryId, StepEvent]]:
        """See ``Log``."""
        return [(id_, wire.decode(fields["event"])) for id_, fields in await self._stream.after(place)]

    def _flow(self, flow_id: str) -> str:
        return f"{self._all}:flow:{escape(flow_id)}"


def _script() -> str:
    return (resources.files(__package__) / "lua" / "append.lua").read_text("utf-8")
