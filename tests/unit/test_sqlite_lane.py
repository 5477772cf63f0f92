"""Lane: calls made together share a transaction, and listeners are called from a task."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest

from nq_conformance.contract import ClosedError
from nq_reference.sources.sqlite.lane import Answer, Call, Lane

pytestmark = pytest.mark.anyio
BUDGET_S = 10


class Work:
    """Answers each call with what it returns; notes the size of each batch, and may be held at a gate."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, calls: list[Call]) -> tuple[list[Answer], str]:
        self.gate.wait(BUDGET_S)
        self.batches.append(len(calls))
        return [Answer(call(None)) for call in calls], "report"  # type: ignore[arg-type]


def lane_of(work: Work, landed: Any = lambda _: None, *, tells: bool = False) -> Lane[str]:
    return Lane("test", lambda: work, landed, lambda _: tells)


async def together(lane: Lane[str], many: int) -> None:
    async with anyio.create_task_group() as group:
        for number in range(many):
            group.start_soon(lane.run, lambda _, number=number: number)


async def test_calls_made_together_share_a_transaction() -> None:
    """A hundred at once are one batch as long as company is expected, and at most two after a lone call."""
    work = Work()
    lane = lane_of(work)
    await together(lane, 100)
    await lane.run(lambda _: None)
    await together(lane, 100)
    assert work.batches == [100, 1, 1, 99]
    await lane.close(lambda: None)


async def test_each_has_its_own_answer_after_the_report_has_landed() -> None:
    """What a call returned goes to its caller, once what was reported is known."""
    landed: list[str] = []
    lane = lane_of(Work(), landed.append)
    assert await lane.run(lambda _: "mine") == "mine"
    assert landed == ["report"]
    await lane.close(lambda: None)


async def test_who_tells_others_does_so_from_a_task() -> None:
    """A listener may use anyio, which knows no event loop outside of a task (EVT-06)."""
    scopes: list[object] = []
    lane = lane_of(Work(), lambda _: scopes.append(anyio.CancelScope()), tells=True)
    await lane.run(lambda _: None)
    await lane.run(lambda _: None)
    assert len(scopes) == 2
    await lane.close(lambda: None)


async def test_an_error_while_telling_goes_to_those_who_wait() -> None:
    """Nobody waits for ever because a report could not be taken in."""

    def refuse(_: str) -> None:
        raise ValueError("no")

    lane = lane_of(Work(), refuse)
    with pytest.raises(ValueError, match="no"):
        await lane.run(lambda _: None)
    await lane.close(lambda: None)


async def test_closing_answers_what_was_asked_and_takes_no_more() -> None:
    """A call that came before is answered; its end is called after it, in the thread."""
    work = Work()
    work.gate.clear()
    lane = lane_of(work)
    ended: list[int] = []
    async with anyio.create_task_group() as group:
        group.start_soon(together, lane, 3)
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        group.start_soon(lane.close, lambda: ended.append(sum(work.batches)))
        work.gate.set()
    assert ended == [3]
    with pytest.raises(ClosedError):
        await lane.run(lambda _: None)
