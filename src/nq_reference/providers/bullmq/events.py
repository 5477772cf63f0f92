"""How BullMQ writes a queue's events into their stream.

They are read as our own are. bullmq's ``QueueEvents`` starts with its first read, so that a fresh
one misses what comes before, and ends with its first error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from nq_conformance.contract import QUEUE_EVENTS, QueueEvent
from nq_reference.event_reader import Happening
from nq_reference.providers.bullmq.records import json_text
from nq_reference.sources.redis.streams import EntryId

_DETAILS = {"waiting": "prev", "delayed": "delay", "completed": "returnvalue", "failed": "failedReason"}


def happening(id: EntryId, fields: Mapping[str, str]) -> Happening[EntryId] | None:
    """An event as BullMQ writes it; ``None`` for what only BullMQ knows."""
    if fields.get("event") not in QUEUE_EVENTS:
        return None
    event = cast("QueueEvent", fields["event"])
    detail: str | int | None = fields.get(_DETAILS.get(event, ""))
    if event == "completed":
        detail = json_text(fields.get("returnvalue") or "null")
    elif event == "delayed" and detail is not None:
        detail = int(float(detail))
    return Happening(id, event, fields.get("jobId"), detail)
