"""State in Redis: a string for each key."""

from __future__ import annotations

from typing import Any

from nq_reference.names import escape
from nq_reference.sources.redis.connections import command_client
from nq_reference.state.base import JsonState


class RedisState(JsonState):
    """Shared by all of one ``url`` and ``prefix``. Raises redis-py's errors; belongs to one event loop."""

    def __init__(
        self, url: str, *, prefix: str = "nq", timeout_ms: int = 5_000, max_connections: int = 8
    ) -> None:
        self._client: Any = command_client(url, timeout_ms, max_connections)
        self._base = f"nq-state:{escape(prefix)}:"

    async def _connect(self) -> None:
        await self._client.ping()

    async def _disconnect(self) -> None:
        await self._client.aclose()

    async def _read(self, key: str) -> str | None:
        text: str | None = await self._client.get(self._base + key)
        return text

    async def _write(self, key: str, text: str) -> None:
        await self._client.set(self._base + key, text)

    async def _drop(self, key: str) -> None:
        await self._client.delete(self._base + key)
