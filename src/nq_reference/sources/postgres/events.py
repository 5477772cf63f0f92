"""Reading a queue's events, and handing them to subscribers.

A queue has one reader, whatever the number of its subscribers. Each subscriber has its own
place: a number that every event after its readiness exceeds. What the reader brings before that
place is known is held back, then judged by it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from nq_conformance.contract import QueueEvent
from nq_reference.job_source import EventListener
from nq_reference.sources.postgres.connections import pause_after
from nq_reference.sources.postgres.listener import Listener

_log = logging.getLogger("nq_reference.postgres")
_BATCH = 200
Fetch = Callable[[int, int], Awaitable[Sequence[Any]]]
"""Rows of the queue's events after a number, so many at most."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event; those of one change of the queue share its number."""

    number: int
    event: QueueEvent
    job_id: str | None
    detail: str | int | None


class EventSubscription:
    """A listener's place in a queue's events."""

    def __init__(self, reader: EventReader, listener: EventListener) -> None:
        self._reader = reader
        self._listener = listener
        self._place: int | None = None
        self._held: list[Happening] = []
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

    def start(self, place: int) -> None:
        """Take ``place``: what lies behind it is for the listener."""
        self._place = place
        held, self._held = self._held, []
        for happening in held:
            self.offer(happening)
        self._ready.set()

    def offer(self, happening: Happening) -> None:
        """Call the listener, unless it lies before its place."""
        if self._closed:
            return
        if self._place is None:
            self._held.append(happening)
        elif happening.number > self._place:
            try:
                self._listener(happening.event, happening.job_id, happening.detail)
            except Exception:
                _log.exception("A listener for %s of job %s raised", happening.event, happening.job_id)

    async def _wait(self) -> None:
        await self._ready.wait()


class EventReader:
    """Reads one queue's events for its subscribers, for as long as it has some."""

    def __init__(self, listener: Listener, queue: str, fetch: Fetch) -> None:
        self._listener = listener
        self._queue = queue
        self._fetch = fetch
        self._subscriptions: list[EventSubscription] = []
        self._unplaced: list[EventSubscription] = []
        self._placing = asyncio.Lock()
        self._more = asyncio.Event()
        self._placer: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ended: set[asyncio.Task[None]] = set()

    def subscribe(self, listener: EventListener) -> EventSubscription:
        """Add a listener; its place is found in the background."""
        subscription = EventSubscription(self, listener)
        self._subscriptions.append(subscription)
        self._unplaced.append(subscription)
        if self._placer is None:
            self._placer = asyncio.create_task(self._keep_placing(), name=f"nq-place {self._queue}")
        return subscription

    def drop(self, subscription: EventSubscription) -> None:
        """Forget a subscription; without any the reader stops."""
        for group in (self._subscriptions, self._unplaced):
            if subscription in group:
                group.remove(subscription)
        if not self._subscriptions and self._reading is not None:
            self._listener.unhear(self._queue, self._more.set)
            self._end(self._reading)
            self._reading = None

    async def settle(self) -> None:
        """Give every subscriber its place, before something happens that it must not miss (EVT-10).

        Costs nothing when all have theirs. Raises when the backend can't be reached.
        """
        if self._unplaced:
            await self._place()

    async def close(self) -> None:
        """Stop reading. Idempotent."""
        for subscription in tuple(self._subscriptions):
            subscription.close()
        if self._placer is not None:
            self._end(self._placer)
            self._placer = None
        if self._ended:
            await asyncio.wait(tuple(self._ended))

    async def _place(self) -> None:
        async with self._placing:
            waiting = tuple(self._unplaced)
            if not waiting:
                return
            place = await self._listener.join(self._queue)
            if self._subscriptions and self._reading is None:
                self._listener.hear(self._queue, self._more.set)
                self._reading = asyncio.create_task(self._read(place), name=f"nq-events {self._queue}")
            self._unplaced = [each for each in self._unplaced if each not in waiting]
            for subscription in waiting:
                subscription.start(place)

    async def _keep_placing(self) -> None:
        failures = 0
        while self._unplaced:
            try:
                await self._place()
            except Exception as error:  # whatever it is, the subscriber must not be left out
                await self._pause("Subscribing to", failures, error)
                failures += 1
        self._placer = None

    async def _read(self, place: int) -> None:
        failures = 0
        while True:
            await self._more.wait()
            self._more.clear()
            try:
                rows = await self._fetch(place, _BATCH)
                failures = 0
            except Exception as error:  # whatever it is, reading must go on (FLT-03)
                await self._pause("Reading", failures, error)
                failures += 1
                self._more.set()
                continue
            for row in rows:
                place = row[0]
                self._hand_out(row)
            if len(rows) == _BATCH:
                self._more.set()

    def _hand_out(self, row: Sequence[Any]) -> None:
        number, events, ids, details = row
        for event, id_, detail in zip(events, ids, details, strict=True):
            told = int(detail) if event == "delayed" else detail
            happening = Happening(number, cast("QueueEvent", event), id_, told)
            for subscription in tuple(self._subscriptions):
                subscription.offer(happening)

    async def _pause(self, doing: str, failures: int, error: Exception) -> None:
        pause_s = pause_after(failures)
        _log.warning("%s the events of %s failed, next try in %.1f s: %r", doing, self._queue, pause_s, error)
        await asyncio.sleep(pause_s)

    def _end(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        self._ended.add(task)
        task.add_done_callback(self._ended.discard)
