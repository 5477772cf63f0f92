"""Who listens to what happens, and how far each has heard. No I/O; belongs to one event loop.

Events have numbers that grow with the commits, in all processes. A transaction of our own
hears what has happened up to its end, others' commits included; a poll hears what others have
done meanwhile. A subscription takes its place in a transaction of our own, at the number that
was the last when that began: whatever this process does after ``subscribe`` is behind it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from nq_reference.job_source import EventListener
from nq_reference.sources.sqlite.transaction import Row

Key: TypeAlias = tuple[str, str]
_log = logging.getLogger("nq_reference.sqlite")


@dataclass(frozen=True, slots=True)
class Question:
    """What to hear: events of these queues (prefix and name) after a number, or from now on (``None``)."""

    after: int | None
    queues: Sequence[Key]


@dataclass(frozen=True, slots=True)
class Heard:
    """Rows of events up to ``last``, with the queues' numbers.

    ``start`` was the last event when our own transaction began, ``None`` for a poll.
    """

    start: int | None
    last: int
    rows: Sequence[Row]
    queues: Mapping[int, Key]


class EventSubscription:
    """A listener's place in a queue's events."""

    def __init__(self, feed: EventFeed, key: Key, listener: EventListener) -> None:
        self._feed = feed
        self._listener = listener
        self.key = key
        self.place: int | None = None
        self.asked = False
        self.closed = False

    def ready(self) -> Awaitable[None]:
        """Return once no later event can be missed, or it is closed."""
        return self._feed.settle(self)

    def close(self) -> None:
        """End it, at once and idempotently; also from inside its listener."""
        self.closed = True
        self._feed.drop(self)

    def offer(self, row: Row) -> None:
        """Call the listener, unless it has heard of this event, or it lies before its place."""
        number, _, event, job_id, detail = row
        if self.closed or self.place is None or number <= self.place:
            return
        try:
            self._listener(event, job_id, detail)
        except Exception:
            _log.exception("A listener for the event %s of job %s raised", event, job_id)


class EventFeed:
    """All subscriptions of one source. ``place`` lets a transaction of our own pass."""

    def __init__(self, place: Callable[[], Awaitable[None]]) -> None:
        self._place = place
        self._subscriptions: list[EventSubscription] = []

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return bool(self._subscriptions)

    def subscribe(self, key: Key, listener: EventListener) -> EventSubscription:
        """Add a listener for the queue of ``key``: its prefix and name."""
        subscription = EventSubscription(self, key, listener)
        self._subscriptions.append(subscription)
        return subscription

    def drop(self, subscription: EventSubscription) -> None:
        """Forget a subscription."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    async def settle(self, subscription: EventSubscription) -> None:
        """Return once ``subscription`` has its place."""
        while subscription.place is None and not subscription.closed:
            await self._place()

    def question(self, *, own: bool) -> Question | None:
        """What the next transaction shall hear; ``own`` is one that writes, and gives places."""
        if own:
            for each in self._subscriptions:
                each.asked = True
        places = [each.place for each in self._subscriptions if each.place is not None]
        if not places and not (own and self._subscriptions):
            return None
        return Question(min(places) if places else None, [*{each.key for each in self._subscriptions}])

    def hear(self, heard: Heard) -> None:
        """Hand out what a transaction has heard, in order."""
        listeners = tuple(self._subscriptions)
        for each in listeners:
            if each.place is None and each.asked and heard.start is not None:
                each.place = heard.start
        for row in heard.rows:
            key = heard.queues.get(row[1])
            for each in listeners:
                if each.key == key:
                    each.offer(row)
        for each in listeners:
            if each.place is not None:
                each.place = max(each.place, heard.last)
