"""Reading a queue's event stream, and handing what it says to subscribers.

bullmq's own ``QueueEvents`` starts with its first read, so that a fresh one misses what comes
before, and ends with its first error. Here a queue has one reader, whatever the number of its
subscribers; each of them has its own place in the stream: its end at some moment between the
subscription and its being ready.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from nq_conformance.contract import QUEUE_EVENTS, QueueEvent
from nq_reference.job_source import EventListener
from nq_reference.providers.bullmq.connections import BLOCK_MS, end, pause_after
from nq_reference.providers.bullmq.records import json_text

logger = logging.getLogger("nq_reference.bullmq")
_BATCH = 500
_DETAILS = {"waiting": "prev", "delayed": "delay", "completed": "returnvalue", "failed": "failedReason"}
EntryId = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the stream that the contract knows."""

    id: EntryId
    event: QueueEvent
    job_id: str | None
    detail: str | int | None


class Place:
    """A listener's place in a queue's events."""

    def __init__(self, reader: EventReader, listener: EventListener) -> None:
        self._reader = reader
        self._listener = listener
        self._after: EntryId | None = None
        self._early: list[Entry] = []
        self._taken = asyncio.Event()
        self._closed = False

    async def ready(self) -> None:
        """Return once no later event can be missed, or it is closed."""
        await self._taken.wait()

    def close(self) -> None:
        """End it, at once and idempotently; also from inside its listener."""
        self._closed = True
        self._taken.set()
        self._reader.drop(self)

    def take(self, after: EntryId) -> None:
        """What lies behind ``after`` is for the listener; so is what has come early of it."""
        self._after = after
        early, self._early = self._early, []
        for entry in early:
            self.offer(entry)
        self._taken.set()

    def offer(self, entry: Entry) -> None:
        """Call the listener, unless the entry lies before its place; keep it while that is unknown."""
        if self._closed:
            return
        if self._after is None:
            self._early.append(entry)
        elif entry.id > self._after:
            self._listener(entry.event, entry.job_id, entry.detail)


class EventReader:
    """Reads one queue's stream for its subscribers, for as long as it has some."""

    def __init__(self, commands: Redis, blocking: Redis, stream: str) -> None:
        self._commands = commands
        self._blocking = blocking
        self._stream = stream
        self._places: list[Place] = []
        self._untaken: list[Place] = []
        self._taking = asyncio.Lock()
        self._taker: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    def subscribe(self, listener: EventListener) -> Place:
        """Add a listener, which never raises; its place is found in the background."""
        place = Place(self, listener)
        self._places.append(place)
        self._untaken.append(place)
        if self._taker is None:
            self._taker = asyncio.create_task(self._keep_taking(), name=f"places in {self._stream}")
        return place

    def drop(self, place: Place) -> None:
        """Forget a place; without any the reader stops."""
        for places in (self._places, self._untaken):
            if place in places:
                places.remove(place)
        if not self._places and self._reading is not None:
            self._let_end(self._reading)
            self._reading = None

    async def settle(self) -> None:
        """Give each subscriber its place. Costs nothing when all have theirs; raises when the
        server can't be reached."""
        if not self._untaken:
            return
        async with self._taking:
            untaken = tuple(self._untaken)
            if not untaken:
                return
            last = await self._commands.xrevrange(self._stream, count=1)
            after = _entry_id(str(last[0][0])) if last else (0, 0)
            # The reader first: when a subscriber is ready, somebody reads for it.
            if self._places and self._reading is None:
                self._reading = asyncio.create_task(self._read(after), name=f"events of {self._stream}")
            self._untaken = [place for place in self._untaken if place not in untaken]
            for place in untaken:
                place.take(after)

    async def close(self) -> None:
        """End all subscriptions, and stop. Idempotent."""
        for place in tuple(self._places):
            place.close()
        if self._taker is not None:
            self._let_end(self._taker)
            self._taker = None
        for task in tuple(self._ending):
            await end(task)

    async def _keep_taking(self) -> None:
        failures = 0
        while self._untaken:
            try:
                await self.settle()
            except Exception as error:  # whatever it is, the subscriber must not be left out
                await self._pause("Finding the end of", failures, error)
                failures += 1
        self._taker = None

    async def _read(self, after: EntryId) -> None:
        failures = 0
        # A cancellation can get lost (see end), and two readers would tell everything twice.
        while self._reading is asyncio.current_task():
            try:
                position = f"{after[0]}-{after[1]}"
                reply = await self._blocking.xread({self._stream: position}, count=_BATCH, block=BLOCK_MS)
                for id_, fields in _entries(reply):
                    after = _entry_id(id_)
                    if self._reading is asyncio.current_task():
                        self._hand_out(_entry(after, fields))
                failures = 0
            except Exception as error:  # whatever it is, reading must go on (FLT-03)
                await self._pause("Reading", failures, error)
                failures += 1

    def _hand_out(self, entry: Entry | None) -> None:
        if entry is not None:
            for place in tuple(self._places):
                place.offer(entry)

    async def _pause(self, doing: str, failures: int, error: Exception) -> None:
        pause_s = pause_after(failures)
        logger.warning("%s the events %s failed, next try in %.1f s: %r", doing, self._stream, pause_s, error)
        await asyncio.sleep(pause_s)

    def _let_end(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _entries(reply: Any) -> list[tuple[str, Mapping[str, str]]]:
    """The entries of an XREAD reply on one stream, in any of the shapes the client gives it."""
    if not reply:
        return []
    found = next(iter(reply.values())) if isinstance(reply, dict) else reply[0][1]
    if found and isinstance(found[0], list):  # as protocol 3 nests them
        found = found[0]
    return cast("list[tuple[str, Mapping[str, str]]]", found)


def _entry(id: EntryId, fields: Mapping[str, str]) -> Entry | None:
    """An entry in the contract's words; ``None`` for an event that only BullMQ has."""
    event = fields.get("event", "")
    if event not in QUEUE_EVENTS:
        return None
    detail: str | int | None = fields.get(_DETAILS.get(event, ""))
    if event == "completed":
        detail = json_text(fields.get("returnvalue") or "null")
    elif event == "delayed" and detail is not None:
        detail = int(float(detail))
    return Entry(id, event, fields.get("jobId"), detail)


def _entry_id(text: str) -> EntryId:
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number)
