"""BullMQ's event stream in the words of our event reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from redis.asyncio import Redis

from nq_reference.providers.bullmq.records import json_text
from nq_reference.sources.redis.events import EventReader

_DETAILS = {
    "waiting": "prev",
    "delayed": "delay",
    "completed": "returnvalue",
    "failed": "failedReason",
}


def event_reader(commands: Redis, blocking: Redis, stream: str) -> EventReader:
    """A reader of one queue's stream, whose subscribers miss nothing once they are ready (EVT-10).

    bullmq's own ``QueueEvents`` starts with its first read, and ends with its first error.
    """
    return EventReader(commands, cast("Redis", _Translated(blocking)), stream)


class _Translated:
    """The part of a client that the reader reads with."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def xread(self, streams: Any, count: int, block: int) -> list[Any]:
        reply: Any = await self._client.xread(streams, count=count, block=block)
        if not reply:
            return []
        stream, found = next(iter(reply.items())) if isinstance(reply, dict) else reply[0]
        if found and isinstance(found[0], list):  # as protocol 3 nests them
            found = found[0]
        return [(stream, [(id_, _translated(fields)) for id_, fields in found])]


def _translated(fields: Mapping[str, str]) -> dict[str, str]:
    """An entry with our names of fields: event, id, detail.

    Events that only BullMQ has go by their own names, which nobody can subscribe to.
    """
    event = fields.get("event", "")
    entry = {"e": event, "i": fields.get("jobId", "")}
    detail = fields.get(_DETAILS.get(event, ""))
    if event == "completed":
        detail = json_text(detail or "null")
    elif event == "delayed" and detail is not None:
        detail = str(int(float(detail)))
    if detail is not None:
        entry["d"] = detail
    return entry
