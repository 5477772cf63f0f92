"""Hands a growing log of step events to its subscribers, in one task that runs while there are any."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import anyio

from nq_conformance.contract import StepEvent
from nq_reference import background
from nq_reference.events.base import StepListener, tell

_log = logging.getLogger("nq_reference.events")


class Place(Protocol):
    """Where an entry stands in a log; later ones are greater."""

    def __lt__(self, other: Any, /) -> bool: ...


P = TypeVar("P", bound=Place)


class Log(Protocol[P]):
    """What a feed reads."""

    async def end(self) -> P:
        """The place of the last entry."""
        ...

    async def after(self, place: P) -> Sequence[tuple[P, StepEvent]]:
        """Entries beyond ``place``, in order; waits for some time if there are none yet."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Subscriber(Generic[P]):
    listener: StepListener
    flow_id: str | None
    start: P

    def offer(self, place: P, event: StepEvent) -> None:
        if self.start < place and self.flow_id in (None, event.run_id):
            tell(self.listener, event)


class Feed(Generic[P]):
    """Reads a ``Log`` and goes on after errors (FLT-03)."""

    def __init__(self, log: Log[P]) -> None:
        self._log = log
        self._subscribers: list[_Subscriber[P]] = []
        self._reading: background.BackgroundTask | None = None
        self._round = 0  # of the reader that may tell: one that was cancelled may yet come back from a call
        self._starting = anyio.Lock()

    async def subscribe(self, listener: StepListener, flow_id: str | None) -> Callable[[], None]:
        """See ``StepEvents.subscribe``."""
        async with self._starting:
            subscriber = _Subscriber(listener, flow_id, await self._log.end())
            self._subscribers.append(subscriber)
            if self._reading is None:
                round = self._round
                self._reading = background.spawn(
                    lambda: self._read(subscriber.start, round), "nq-step-events"
                )
        return lambda: self._drop(subscriber)

    async def close(self) -> None:
        """End all subscriptions. Idempotent."""
        self._subscribers.clear()
        self._round += 1
        reading, self._reading = self._reading, None
        if reading is not None:
            await reading.stop()

    def _drop(self, subscriber: _Subscriber[P]) -> None:
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)
        if not self._subscribers and self._reading is not None:
            self._round += 1
            self._reading.cancel()
            self._reading = None

    async def _read(self, start: P, round: int) -> None:
        place = start
        failures = 0
        while round == self._round:
            try:
                entries = await self._log.after(place)
                failures = 0
            except Exception as error:  # whatever it is, reading must go on
                pause_s = background.pause_after(failures)
                failures += 1
                _log.warning("reading step events failed, next try in %.1f s: %r", pause_s, error)
                await anyio.sleep(pause_s)
                continue
            for place, event in entries if round == self._round else ():
                for subscriber in tuple(self._subscribers):
                    subscriber.offer(place, event)
