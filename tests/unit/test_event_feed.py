"""A feed of step events: one reader at a time tells, and it goes on after errors."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from nq_conformance.contract import StepEvent
from nq_reference.events.feed import Feed

pytestmark = pytest.mark.anyio
BUDGET_S = 10.0


class ScriptedLog:
    """A log whose answers are held back, even from a reader that is cancelled meanwhile, as a call in a
    thread is."""

    def __init__(self) -> None:
        self.entries: list[StepEvent] = []
        self.asked = 0
        self.asking = anyio.Event()
        self.gate = anyio.Event()
        self.failures = 0

    async def end(self) -> int:
        return len(self.entries)

    async def after(self, place: int) -> Sequence[tuple[int, StepEvent]]:
        self.asked += 1
        self.asking.set()
        with anyio.CancelScope(shield=True), anyio.fail_after(BUDGET_S):
            await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise ConnectionError("cut")
        if place == len(self.entries):
            await anyio.sleep_forever()
        return list(enumerate(self.entries[place:], place + 1))

    def add(self) -> StepEvent:
        self.entries.append(StepEvent("log", "flow", "f", "s", "id", 1, {"number": len(self.entries)}))
        return self.entries[-1]


class Heard:
    """A listener that keeps what it hears, and tells when it has heard something."""

    def __init__(self) -> None:
        self.events: list[StepEvent] = []
        self.some = anyio.Event()

    def __call__(self, event: StepEvent) -> None:
        self.events.append(event)
        self.some.set()


async def test_a_reader_that_comes_back_after_its_end_tells_nobody() -> None:
    """The subscriber that came meanwhile has a reader of its own, and hears each event once."""
    log = ScriptedLog()
    feed = Feed(log)
    unsubscribe = await feed.subscribe(lambda _: None, None)
    with anyio.fail_after(BUDGET_S):
        await log.asking.wait()
        unsubscribe()
        log.asking = anyio.Event()
        heard = Heard()
        await feed.subscribe(heard, None)
        await log.asking.wait()
        assert log.asked == 2
        added = log.add()
        log.gate.set()
        await heard.some.wait()
    await feed.close()
    assert heard.events == [added]


async def test_reading_goes_on_after_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and nothing is missed."""
    log = ScriptedLog()
    log.failures = 2
    log.gate.set()
    feed = Feed(log)
    heard = Heard()
    await feed.subscribe(heard, None)
    added = log.add()
    with anyio.fail_after(BUDGET_S):
        await heard.some.wait()
    await feed.close()
    assert heard.events == [added]
    assert [record.getMessage() for record in caplog.records] == [
        "reading step events failed, next try in 0.1 s: ConnectionError('cut')",
        "reading step events failed, next try in 0.2 s: ConnectionError('cut')",
    ]
