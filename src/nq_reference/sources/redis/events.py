"""Reading a queue's event stream, and handing what it says to subscribers.

A queue has one reader, whatever the number of its subscribers. Each subscriber has its own
place: the last entry of the stream at some moment after it subscribed and before it is
ready. What the reader brings before that place is known is held back, then judged by it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from nq_conformance.contract import QueueEvent
from nq_reference.job_source import EventListener
from nq_reference.sources.redis.connections import BLOCK_MS, pause_after, stop

_log = logging.getLogger("nq_reference.redis")
_BATCH = 500
EntryId = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the stream."""

    id: EntryId
    event: QueueEvent
    job_id: str | None
    detail: str | int | None


class EventSubscription:
    """A listener's place in a queue's events."""

    def __init__(self, reader: EventReader, listener: EventListener) -> None:
        self._reader = reader
        self._listener = listener
        self._place: EntryId | None = None
        self._held: list[Entry] = []
        self._ready = asyncio.Event()
        self._closed = False

    def ready(self) -> Awaitable[None]:
        """Return once no later event can be missed, or it is closed."""
        return self._wait()

    def close(self) -> None:
        """End it, at once and idempotently; also from inside its listener."""
        self._closed = True
        self._ready.set()
        self._reader.drop(self)

    def start(self, place: EntryId) -> None:
        """Take ``place``: what lies behind it is for the listener."""
        self._place = place
        held, self._held = self._held, []
        for entry in held:
            self.offer(entry)
        self._ready.set()

    def offer(self, entry: Entry) -> None:
        """Call the listener, unless the entry lies before its place."""
        if self._closed:
            return
        if self._place is None:
            self._held.append(entry)
        elif entry.id > self._place:
            try:
                self._listener(entry.event, entry.job_id, entry.detail)
            except Exception:
                _log.exception("A listener for the event %s of job %s raised", entry.event, entry.job_id)

    async def _wait(self) -> None:
        await self._ready.wait()


class EventReader:
    """Reads one queue's stream for its subscribers, for as long as it has some."""

    def __init__(self, commands: Redis, blocking: Redis, stream: str) -> None:
        self._commands = commands
        self._blocking = blocking
        self._stream = stream
        self._subscriptions: list[EventSubscription] = []
        self._unplaced: list[EventSubscription] = []
        self._placing = asyncio.Lock()
        self._placer: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ended: set[asyncio.Task[None]] = set()

    def subscribe(self, listener: EventListener) -> EventSubscription:
        """Add a listener; its place is found in the background."""
        subscription = EventSubscription(self, listener)
        self._subscriptions.append(subscription)
        self._unplaced.append(subscription)
        if self._placer is None:
            self._placer = asyncio.create_task(self._keep_placing(), name=f"nq-place {self._stream}")
        return subscription

    def drop(self, subscription: EventSubscription) -> None:
        """Forget a subscription; without any the reader stops."""
        for group in (self._subscriptions, self._unplaced):
            if subscription in group:
                group.remove(subscription)
        if not self._subscriptions and self._reading is not None:
            self._end(self._reading)
            self._reading = None

    async def settle(self) -> None:
        """Give every subscriber its place, before something happens that it must not miss (EVT-10).

        Costs nothing when all have theirs. Raises when the backend can't be reached.
        """
        if self._unplaced:
            await self._place()

    async def close(self) -> None:
        """Stop reading and let the connection go. Idempotent."""
        for subscription in tuple(self._subscriptions):
            subscription.close()
        if self._placer is not None:
            self._end(self._placer)
            self._placer = None
        for task in tuple(self._ended):
            await stop(task)

    async def _place(self) -> None:
        async with self._placing:
            waiting = tuple(self._unplaced)
            if not waiting:
                return
            last = await self._commands.xrevrange(self._stream, count=1)
            place = _entry_id(cast("str", last[0][0])) if last else (0, 0)
            # The reader first: when a subscriber is ready somebody reads for it.
            if self._subscriptions and self._reading is None:
                self._reading = asyncio.create_task(self._read(place), name=f"nq-events {self._stream}")
            self._unplaced = [each for each in self._unplaced if each not in waiting]
            for subscription in waiting:
                subscription.start(place)

    async def _keep_placing(self) -> None:
        failures = 0
        while self._unplaced:
            try:
                await self._place()
            except Exception as error:  # whatever it is, the subscriber must not be left out
                await self._pause("Finding the end of", failures, error)
                failures += 1
        self._placer = None

    async def _read(self, place: EntryId) -> None:
        failures = 0
        # A cancellation can get lost (see stop), and two readers would tell everything twice.
        while self._reading is asyncio.current_task():
            try:
                position = f"{place[0]}-{place[1]}"
                reply = await self._blocking.xread({self._stream: position}, count=_BATCH, block=BLOCK_MS)
                for entry in _entries(reply):
                    if self._reading is not asyncio.current_task():
                        return
                    place = entry.id
                    self._hand_out(entry)
                failures = 0
            except Exception as error:  # whatever it is, reading must go on (FLT-03)
                await self._pause("Reading", failures, error)
                failures += 1

    def _hand_out(self, entry: Entry) -> None:
        for subscription in tuple(self._subscriptions):
            subscription.offer(entry)

    async def _pause(self, doing: str, failures: int, error: Exception) -> None:
        pause_s = pause_after(failures)
        _log.warning("%s the events %s failed, next try in %.1f s: %r", doing, self._stream, pause_s, error)
        await asyncio.sleep(pause_s)

    def _end(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        self._ended.add(task)
        task.add_done_callback(self._ended.discard)


def _entries(reply: Any) -> Iterator[Entry]:
    """The entries of an XREAD reply on one stream, in any of the shapes the client gives it."""
    if not reply:
        return
    found = next(iter(reply.values())) if isinstance(reply, dict) else reply[0][1]
    if found and isinstance(found[0], list):
        found = found[0]
    for id_, fields in found:
        yield _entry(id_, fields)


def _entry(id_: str, fields: Mapping[str, str]) -> Entry:
    event = cast("QueueEvent", fields["e"])
    detail: str | int | None = fields.get("d")
    if event == "delayed" and detail is not None:
        detail = int(detail)
    return Entry(_entry_id(id_), event, None if event == "paused" else fields["i"], detail)


def _entry_id(text: str) -> EntryId:
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number)
