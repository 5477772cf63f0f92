"""Sources on a server tell what happens, wake who listens, and end cleanly."""

from __future__ import annotations

import asyncio
import warnings

import pytest
from server_source_tools import MakeSource
from source_tools import QUEUE, Heard, claim, claimed_ids, exchange_until, job, wake

from nq_conformance.contract import JobOptions
from nq_reference.job_source import JobSource, Outcome, Schedule

pytest_plugins = ["server_source_tools"]
pytestmark = pytest.mark.anyio
HOUR_MS = 3_600_000


@pytest.fixture
def anyio_backend() -> str:
    """The source runs on asyncio alone."""
    return "asyncio"


async def test_the_life_of_a_job_is_told_in_order(source: JobSource) -> None:
    """A listener hears each step with its detail, none of them missed after subscribe returned."""
    heard = Heard()
    source.subscribe(QUEUE, heard)
    await source.add(QUEUE, [job("a")])
    await claimed_ids(source, 1)
    await claimed_ids(source, 1, Outcome("a", "t", "retry", "broken"), token="u")
    await claimed_ids(source, 0, Outcome("a", "u", "complete", "[]"))
    assert await heard.first(5) == [
        ("waiting", "a", None),
        ("active", "a", None),
        ("waiting", "a", "active"),
        ("active", "a", None),
        ("completed", "a", "[]"),
    ]


async def test_a_delayed_job_tells_its_due_time_and_then_that_it_waits(
    source: JobSource,
) -> None:
    """The due time is an integer; waiting says that the job was delayed before."""
    heard = Heard()
    source.subscribe(QUEUE, heard)
    await source.add(QUEUE, [job("a", delay=1)])
    await exchange_until(source, claim(1), lambda each: each.claimed, "the delayed job")
    stored = await source.get(QUEUE, "a")
    assert stored is not None
    assert (await heard.first(2)) == [("delayed", "a", stored.timestamp + 1), ("waiting", "a", "delayed")]


async def test_a_stall_and_a_death_by_stalling_are_told_once_each(source: JobSource) -> None:
    """The first stall is an event of its own, the fatal one shows as failed."""
    heard = Heard()
    source.subscribe(QUEUE, heard)
    await source.add(QUEUE, [job("a")])
    wish = claim(1, lock_ms=1, max_stalls=1)
    await exchange_until(source, wish, lambda each: each.dead, "the end of the job")
    events = [event for event, _, _ in await heard.first(5)]
    assert events == ["waiting", "active", "stalled", "active", "failed"]


async def test_a_pause_is_told_once(source: JobSource) -> None:
    """Pausing again says nothing; the event names no job."""
    heard = Heard()
    source.subscribe(QUEUE, heard)
    await source.pause(QUEUE)
    await source.pause(QUEUE)
    await source.add(QUEUE, [job("after")])
    assert await heard.first(2) == [("paused", None, None), ("waiting", "after", None)]


async def test_adding_a_kept_id_again_tells_nothing(source: JobSource) -> None:
    """Of two adds of one id only the first is told."""
    heard = Heard()
    source.subscribe(QUEUE, heard)
    await source.add(QUEUE, [job("a")])
    await source.add(QUEUE, [job("a"), job("b")])
    assert await heard.first(2) == [("waiting", "a", None), ("waiting", "b", None)]


async def test_events_reach_a_second_source(make_source: MakeSource) -> None:
    """Once ready, a listener hears what another source does."""
    here, there = make_source(), make_source()
    heard = Heard()
    await there.subscribe(QUEUE, heard).ready()
    await here.add(QUEUE, [job("a")])
    assert await heard.first(1) == [("waiting", "a", None)]


async def test_a_later_subscriber_hears_nothing_of_before(source: JobSource) -> None:
    """Neither the first nor a second subscriber of a queue is told the past."""
    first, second = Heard(), Heard()
    await source.add(QUEUE, [job("before")])
    source.subscribe(QUEUE, first)
    await source.add(QUEUE, [job("between")])
    source.subscribe(QUEUE, second)
    await source.add(QUEUE, [job("after")])
    await source.add(QUEUE, [job("end")])
    assert [id for _, id, _ in await first.first(3)] == ["between", "after", "end"]
    assert [id for _, id, _ in await second.first(2)] == ["after", "end"]


async def test_a_closed_subscription_hears_no_more(source: JobSource) -> None:
    """It ends alone, also from inside its own callback, and may be closed again."""
    quiet, canary = Heard(), Heard()

    def once(event: str, id: str | None, detail: str | int | None) -> None:
        quiet(event, id, detail)
        subscription.close()

    subscription = source.subscribe(QUEUE, once)
    source.subscribe(QUEUE, canary)
    await source.add(QUEUE, [job("a"), job("b")])
    await canary.first(2)
    subscription.close()
    assert [id for _, id, _ in quiet.events] == ["a"]


async def test_a_listener_that_raises_does_not_end_the_others(source: JobSource) -> None:
    """The next listener and the next event are served."""
    heard = Heard()

    def broken(event: str, id: str | None, detail: str | int | None) -> None:
        raise RuntimeError("broken listener")

    source.subscribe(QUEUE, broken)
    source.subscribe(QUEUE, heard)
    await source.add(QUEUE, [job("a"), job("b")])
    assert len(await heard.first(2)) == 2


async def test_a_watch_is_woken_by_a_job_of_another_source(make_source: MakeSource) -> None:
    """An armed watch hears of new work, wherever it comes from."""
    here, there = make_source(), make_source()
    await wake(here, lambda: there.add(QUEUE, [job("a")]))


async def test_a_watch_is_woken_by_a_job_that_is_due_sooner(make_source: MakeSource) -> None:
    """A delayed job that becomes the first one due asks for another look."""
    here, there = make_source(), make_source()
    await wake(here, lambda: there.add(QUEUE, [job("a", delay=2 * HOUR_MS)]))
    await wake(here, lambda: there.add(QUEUE, [job("b", delay=HOUR_MS)]))


async def test_a_watch_is_woken_by_a_new_series(make_source: MakeSource) -> None:
    """A series that runs before all others asks for another look."""
    here, there = make_source(), make_source()
    new = Schedule("s", "report", "1", JobOptions(), "0 * * * *", None, None, await here.now() + HOUR_MS)
    await wake(here, lambda: there.put_schedule(QUEUE, new))


async def test_a_watch_is_woken_by_the_resume(make_source: MakeSource) -> None:
    """The end of a pause is new work."""
    here, there = make_source(), make_source()
    await there.pause(QUEUE)
    await there.add(QUEUE, [job("a")])
    await wake(here, lambda: there.resume(QUEUE))


async def test_work_left_by_one_claim_wakes_the_next_watch(make_source: MakeSource) -> None:
    """Of two jobs added at once the second wakes a second worker."""
    here, there = make_source(), make_source()
    await wake(here, lambda: there.add(QUEUE, [job("a"), job("b")]))
    await wake(there, lambda: claimed_ids(here, 1))


async def test_close_leaves_no_task_and_no_connection(make_source: MakeSource) -> None:
    """Readers, watches and waiting subscribers end with the source."""
    before = asyncio.all_tasks()
    source = make_source()
    await source.subscribe(QUEUE, Heard()).ready()
    source.subscribe("other", Heard())
    source.watch(QUEUE, lambda: None).arm()
    await source.add(QUEUE, [job("a")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await source.close()
    assert asyncio.all_tasks() == before
