"""Reading what a backend keeps of a queue's events, and handing it to subscribers.

A queue has one reader, whatever the number of its subscribers. Each subscriber has its own
place: the end of the events at some moment after it subscribed and before it is ready. What the
reader brings before that place is known is held back, then judged by it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import anyio

from nq_conformance.contract import QueueEvent
from nq_reference import background
from nq_reference.job_source import EventListener


class Point(Protocol):
    """Where an event stands among those of its queue; later ones are greater."""

    def __gt__(self, other: Any, /) -> bool: ...


P = TypeVar("P", bound=Point)


@dataclass(frozen=True, slots=True)
class Happening(Generic[P]):
    """One event; those of one change of the queue may share their point."""

    point: P
    event: QueueEvent
    job_id: str | None
    detail: str | int | None


class EventLog(Protocol[P]):
    """A queue's events, as a backend keeps them for a while."""

    async def end(self) -> P:
        """A point that each event told from now on lies behind (EVT-10)."""
        ...

    def begin(self) -> None:
        """``after`` is going to be called."""
        ...

    def finish(self) -> None:
        """It is not called any more."""
        ...

    async def after(self, point: P) -> tuple[P, Sequence[Happening[P]]]:
        """Events behind ``point``, in order, and the point up to which these are all. Waits, for some
        time or for ever, if there are none yet."""
        ...


class EventSubscription(Generic[P]):
    """A listener's place in a queue's events."""

    def __init__(self, reader: EventReader[P], listener: EventListener) -> None:
        self._reader = reader
        self._listener = listener
        self._place: P | None = None
        self._held: list[Happening[P]] = []
        self._ready = anyio.Event()
        self._closed = False

    def ready(self) -> Awaitable[None]:
        """Return once no later event can be missed, or it is closed."""
        return self._ready.wait()

    def close(self) -> None:
        """End it, at once and idempotently; also from inside its listener."""
        self._closed = True
        self._ready.set()
        self._reader.drop(self)

    def start(self, place: P) -> None:
        """Take ``place``: what lies behind it is for the listener."""
        self._place = place
        held, self._held = self._held, []
        for happening in held:
            self.offer(happening)
        self._ready.set()

    def offer(self, happening: Happening[P]) -> None:
        """Call the listener, unless it lies before its place; hold it back while that is unknown."""
        if self._closed:
            return
        if self._place is None:
            self._held.append(happening)
        elif happening.point > self._place:
            try:
                self._listener(happening.event, happening.job_id, happening.detail)
            except Exception:
                self._reader.log.exception(
                    "A listener for %s of job %s raised", happening.event, happening.job_id
                )


class EventReader(Generic[P]):
    """Reads one queue's ``events`` for its subscribers, for as long as it has some. ``queue`` is its
    name in what is logged."""

    def __init__(self, events: EventLog[P], queue: str, log: logging.Logger) -> None:
        self.log = log
        self._events = events
        self._queue = queue
        self._subscriptions: list[EventSubscription[P]] = []
        self._unplaced: list[EventSubscription[P]] = []
        self._placing = anyio.Lock()
        self._placer: background.BackgroundTask | None = None
        self._reading: background.BackgroundTask | None = None
        self._round = 0  # of the reading that may tell: one that was ended may yet come back from a call
        self._ended: list[background.BackgroundTask] = []

    def subscribe(self, listener: EventListener) -> EventSubscription[P]:
        """Add a listener; its place is found in the background."""
        subscription = EventSubscription(self, listener)
        self._subscriptions.append(subscription)
        self._unplaced.append(subscription)
        if self._placer is None:
            self._placer = background.spawn(self._keep_placing, f"nq-place {self._queue}")
        return subscription

    def drop(self, subscription: EventSubscription[P]) -> None:
        """Forget a subscription; without any the reader stops."""
        for group in (self._subscriptions, self._unplaced):
            if subscription in group:
                group.remove(subscription)
        if not self._subscriptions and self._reading is not None:
            self._round += 1
            self._events.finish()
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
        for task in tuple(self._ended):
            await task.stop()

    async def _place(self) -> None:
        async with self._placing:
            waiting = tuple(self._unplaced)
            if not waiting:
                return
            place = await self._events.end()
            # The reader first: when a subscriber is ready somebody reads for it.
            if self._subscriptions and self._reading is None:
                self._reading = self._begin(place)
            self._unplaced = [each for each in self._unplaced if each not in waiting]
            for subscription in waiting:
                subscription.start(place)

    async def _keep_placing(self) -> None:
        await self._keep(self._place, "subscribing to", lambda: bool(self._unplaced))
        self._placer = None

    def _begin(self, place: P) -> background.BackgroundTask:
        round = self._round
        self._events.begin()

        async def read() -> None:
            nonlocal place
            place, happenings = await self._events.after(place)
            self._hand_out(happenings, round)

        keep = self._keep
        return background.spawn(
            lambda: keep(read, "reading", lambda: round == self._round), f"nq-events {self._queue}"
        )

    def _hand_out(self, happenings: Sequence[Happening[P]], round: int) -> None:
        for happening in happenings:
            for subscription in tuple(self._subscriptions) if round == self._round else ():
                subscription.offer(happening)

    async def _keep(
        self, step: Callable[[], Awaitable[None]], doing: str, needed: Callable[[], bool]
    ) -> None:
        """Do ``step`` again and again while it is ``needed``, after errors as well: no subscriber must be
        left out (FLT-03). The more of them there are in a row, the longer it rests."""
        failures = 0
        while needed():
            try:
                await step()
                failures = 0
            except Exception as error:  # whatever it is
                pause_s = background.pause_after(failures)
                failures += 1
                self.log.warning(
                    "%s the events of %s failed, next try in %.1f s: %r", doing, self._queue, pause_s, error
                )
                await anyio.sleep(pause_s)

    def _end(self, task: background.BackgroundTask) -> None:
        task.cancel()
        self._ended = [each for each in self._ended if not each.finished] + [task]
