"""A queue's events as a stream keeps them, and how our own streams write one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from nq_conformance.contract import QueueEvent
from nq_reference.event_reader import Happening
from nq_reference.sources.redis.streams import EntryId, Stream

Read: TypeAlias = Callable[[EntryId, Mapping[str, str]], Happening[EntryId] | None]
"""What an entry tells; ``None`` if it is nothing that the contract knows."""


class StreamedEvents:
    """See ``EventLog``."""

    def __init__(self, stream: Stream, read: Read) -> None:
        self._stream = stream
        self._read = read

    async def end(self) -> EntryId:
        """See ``EventLog.end``."""
        return await self._stream.end()

    def begin(self) -> None:
        """Nothing to do."""

    def finish(self) -> None:
        """Nothing to do."""

    async def after(self, point: EntryId) -> tuple[EntryId, Sequence[Happening[EntryId]]]:
        """See ``EventLog.after``."""
        found = await self._stream.after(point)
        told = [self._read(id_, fields) for id_, fields in found]
        return found[-1][0] if found else point, [each for each in told if each is not None]


def happening(id: EntryId, fields: Mapping[str, str]) -> Happening[EntryId]:
    """An event as our scripts write it."""
    event = cast("QueueEvent", fields["e"])
    detail: str | int | None = fields.get("d")
    if event == "delayed" and detail is not None:
        detail = int(detail)
    return Happening(id, event, None if event == "paused" else fields["i"], detail)
