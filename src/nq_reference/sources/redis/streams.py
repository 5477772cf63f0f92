"""Reading a Redis stream that grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from redis.asyncio import Redis

from nq_reference.sources.redis.connections import BLOCK_MS

EntryId = tuple[int, int]
_BATCH = 500


class Stream:
    """The stream at ``key``. ``blocking`` is a client whose calls may wait for ``BLOCK_MS``."""

    def __init__(self, commands: Redis, blocking: Redis, key: str) -> None:
        self.key = key
        self._commands = commands
        self._blocking = blocking

    async def end(self) -> EntryId:
        """The last entry's id."""
        last = await self._commands.xrevrange(self.key, count=1)
        return _entry_id(cast("str", last[0][0])) if last else (0, 0)

    async def after(self, id: EntryId) -> Sequence[tuple[EntryId, Mapping[str, str]]]:
        """Entries behind ``id``, in order; waits on the server for up to ``BLOCK_MS`` if there are none."""
        reply = await self._blocking.xread({self.key: f"{id[0]}-{id[1]}"}, count=_BATCH, block=BLOCK_MS)
        return [(_entry_id(text), fields) for text, fields in _entries(reply)]


def _entries(reply: Any) -> Sequence[tuple[str, Mapping[str, str]]]:
    """The entries of an XREAD reply on one stream, in any of the shapes the client gives it."""
    if not reply:
        return ()
    found = next(iter(reply.values())) if isinstance(reply, dict) else reply[0][1]
    if found and isinstance(found[0], list):  # as protocol 3 nests them
        found = found[0]
    return cast("Sequence[tuple[str, Mapping[str, str]]]", found)


def _entry_id(text: str) -> EntryId:
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number)
