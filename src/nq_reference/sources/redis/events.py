"""A queue's events as its stream keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from nq_conformance.contract import QueueEvent
from nq_reference.event_reader import Happening
from nq_reference.sources.redis.streams import EntryId, Stream


class QueueEvents:
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
        """See ``EventLog.after``."""
        found = [_happening(id_, fields) for id_, fields in await self._stream.after(point)]
        return found[-1].point if found else point, found


def _happening(id: EntryId, fields: Mapping[str, str]) -> Happening[EntryId]:
    event = cast("QueueEvent", fields["e"])
    detail: str | int | None = fields.get("d")
    if event == "delayed" and detail is not None:
        detail = int(detail)
    return Happening(id, event, None if event == "paused" else fields["i"], detail)
