"""EventReader: places, what comes before they are known, errors, and the end, on both event loops."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from nq_reference.event_reader import EventReader, Happening

pytestmark = pytest.mark.anyio


class Events:
    """A log in memory. ``fails`` errors come first from each verb; ``end`` waits to be ``let``."""

    def __init__(self, fails: int = 0) -> None:
        self.kept: list[Happening[int]] = []
        self.news = anyio.Event()
        self.let = anyio.Event()
        self.fails = {"end": fails, "after": fails}
        self.told: list[str] = []

    def tell(self, id: str) -> None:
        """One more event."""
        self.kept.append(Happening(len(self.kept) + 1, "waiting", id, None))
        self.news.set()
        self.news = anyio.Event()

    async def end(self) -> int:
        self._fail("end")
        await self.let.wait()
        return len(self.kept)

    def begin(self) -> None:
        self.told.append("begin")

    def finish(self) -> None:
        self.told.append("finish")

    async def after(self, point: int) -> tuple[int, Sequence[Happening[int]]]:
        self._fail("after")
        while point == len(self.kept):
            await self.news.wait()
        return len(self.kept), self.kept[point:]

    def _fail(self, verb: str) -> None:
        if self.fails[verb]:
            self.fails[verb] -= 1
            raise ConnectionError(f"{verb} was cut")


class Heard:
    """What a listener has heard."""

    def __init__(self) -> None:
        self.ids: list[str | None] = []
        self._more = anyio.Event()

    def __call__(self, event: Any, job_id: str | None, detail: Any) -> None:
        self.ids.append(job_id)
        self._more.set()
        if job_id == "bad":
            raise ValueError("on purpose")

    async def until(self, count: int) -> None:
        with anyio.fail_after(10):
            while len(self.ids) < count:
                self._more = anyio.Event()
                await self._more.wait()


def reader_of(events: Events) -> EventReader[int]:
    """A reader whose warnings are in the log of this module."""
    return EventReader(events, "q", logging.getLogger(__name__))


async def test_each_hears_what_lies_behind_its_own_place() -> None:
    """The second comes while the first is read for; what is read before its place is known waits for it."""
    events, first, second = Events(), Heard(), Heard()
    events.let.set()
    reader = reader_of(events)
    await reader.subscribe(first).ready()
    events.tell("a")
    await first.until(1)
    events.let = anyio.Event()
    late = reader.subscribe(second)
    await anyio.lowlevel.checkpoint()
    events.tell("b")
    await first.until(2)
    events.let.set()
    await late.ready()
    events.tell("c")
    await second.until(1)
    assert (first.ids, second.ids) == (["a", "b", "c"], ["c"])
    await reader.close()


async def test_errors_are_told_and_gone_through(caplog: pytest.LogCaptureFixture) -> None:
    """Of finding the end, of reading, and of a listener."""
    events, heard = Events(fails=2), Heard()
    events.let.set()
    reader = reader_of(events)
    await reader.subscribe(heard).ready()
    for id in ("bad", "good"):
        events.tell(id)
    await heard.until(2)
    assert heard.ids == ["bad", "good"]
    told = [record.getMessage() for record in caplog.records]
    cut = "ConnectionError('{} was cut')"
    assert told == [
        f"subscribing to the events of q failed, next try in 0.1 s: {cut.format('end')}",
        f"subscribing to the events of q failed, next try in 0.2 s: {cut.format('end')}",
        f"reading the events of q failed, next try in 0.1 s: {cut.format('after')}",
        f"reading the events of q failed, next try in 0.2 s: {cut.format('after')}",
        "A listener for waiting of job bad raised",
    ]
    await reader.close()


async def test_settle_raises_what_the_backend_does() -> None:
    """Who is about to change the queue must not go on as if everybody heard."""
    events = Events(fails=1)
    events.let.set()
    reader = reader_of(events)
    subscription = reader.subscribe(Heard())
    with pytest.raises(ConnectionError, match="end was cut"):
        await reader.settle()
    await reader.settle()
    await subscription.ready()
    await reader.close()


async def test_without_subscribers_nothing_is_read_and_with_the_next_it_begins_anew() -> None:
    """What came between is for nobody."""
    events, first, second = Events(), Heard(), Heard()
    events.let.set()
    reader = reader_of(events)
    gone = reader.subscribe(first)
    await gone.ready()
    gone.close()
    gone.close()
    events.tell("between")
    await reader.subscribe(second).ready()
    events.tell("after")
    await second.until(1)
    assert (first.ids, second.ids, events.told) == ([], ["after"], ["begin", "finish", "begin"])
    await reader.close()
    await reader.close()
    assert events.told[3:] == ["finish"]
