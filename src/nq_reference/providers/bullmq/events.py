"""A queue's events as BullMQ's stream keeps them.

bullmq's own ``QueueEvents`` starts with its first read, so that a fresh one misses what comes
before, and ends with its first error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from nq_conformance.contract import QUEUE_EVENTS, QueueEvent
from nq_reference.event_reader import Happening
from nq_reference.providers.bullmq.records import json_text
from nq_reference.sources.redis.streams import EntryId, Stream

_DETAILS = {"waiting": "prev", "delayed": "delay", "completed": "returnvalue", "failed": "failedReason"}


class BullEvents:
    """See ``EventLog``."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def end(self) -> EntryId:
        """See ``EventLog.end``."""
        return await self._stream.end()

    def begin(self) -> None:
        """Nothing to do."""

    def finish(self) -> None:
        """Nothing to do."""

    async def after(self, point: EntryId) -> tuple[EntryId, Sequence[Happening[EntryId]]]:
        """See ``EventLog.after``. What only BullMQ knows is left out."""
        found = await self._stream.after(point)
        told = [_happening(id_, fields) for id_, fields in found if fields.get("event") in QUEUE_EVENTS]
        return found[-1][0] if found else point, told


def _happening(id: EntryId, fields: Mapping[str, str]) -> Happening[EntryId]:
    event = cast("QueueEvent", fields["event"])
    detail: str | int | None = fields.get(_DETAILS.get(event, ""))
    if event == "completed":
        detail = json_text(fields.get("returnvalue") or "null")
    elif event == "delayed" and detail is not None:
        detail = int(float(detail))
    return Happening(id, event, fields.get("jobId"), detail)
