"""PostgresSource tells what happens, wakes who listens, and goes on after a lost connection."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable

import anyio
import pytest
from postgres_source_tools import BUDGET_S, MakeSource, job
from source_tools import QUEUE, Heard, claim, claimed_ids, exchange_until

from nq_conformance.contract import JobOptions
from nq_reference.job_source import Outcome, Schedule
from nq_reference.sources.postgres import PostgresSource

pytest_plugins = ["postgres_source_tools"]
pytestmark = pytest.mark.anyio
HOUR_MS = 3_600_000


@pytest.fixture
def anyio_backend() -> str:
    """The source runs on asyncio alone."""
    return "asyncio"


async def test_the_life_of_a_job_is_told_in_order(postgres_source: PostgresSource) -> None:
    """A listener hears each step with its detail, none of them missed after subscribe returned."""
    heard = Heard()
    postgres_source.subscribe(QUEUE, heard)
    await postgres_source.add(QUEUE, [job("a")])
    await claimed_ids(postgres_source, 1)
    await claimed_ids(postgres_source, 1, Outcome("a", "t", "retry", "broken"), token="u")
    await claimed_ids(postgres_source, 0, Outcome("a", "u", "complete", "[]"))
    assert await heard.first(5) == [
        ("waiting", "a", None),
        ("active", "a", None),
        ("waiting", "a", "active"),
        ("active", "a", None),
        ("completed", "a", "[]"),
    ]


async def test_a_delayed_job_tells_its_due_time_and_then_that_it_waits(
    postgres_source: PostgresSource,
) -> None:
    """The due time is an integer; waiting says that the job was delayed before."""
    heard = Heard()
    postgres_source.subscribe(QUEUE, heard)
    await postgres_source.add(QUEUE, [job("a", delay=1)])
    await exchange_until(postgres_source, claim(1), lambda each: each.claimed, "the delayed job")
    stored = await postgres_source.get(QUEUE, "a")
    assert stored is not None
    assert (await heard.first(2)) == [("delayed", "a", stored.timestamp + 1), ("waiting", "a", "delayed")]


async def test_a_stall_and_a_death_by_stalling_are_told_once_each(postgres_source: PostgresSource) -> None:
    """The first stall is an event of its own, the fatal one shows as failed."""
    heard = Heard()
    postgres_source.subscribe(QUEUE, heard)
    await postgres_source.add(QUEUE, [job("a")])
    wish = claim(1, lock_ms=1, max_stalls=1)
    await exchange_until(postgres_source, wish, lambda each: each.dead, "the end of the job")
    events = [event for event, _, _ in await heard.first(5)]
    assert events == ["waiting", "active", "stalled", "active", "failed"]


async def test_a_pause_is_told_once(postgres_source: PostgresSource) -> None:
    """Pausing again says nothing; the event names no job."""
    heard = Heard()
    postgres_source.subscribe(QUEUE, heard)
    await postgres_source.pause(QUEUE)
    await postgres_source.pause(QUEUE)
    await postgres_source.add(QUEUE, [job("after")])
    assert await heard.first(2) == [("paused", None, None), ("waiting", "after", None)]


async def test_adding_a_kept_id_again_tells_nothing(postgres_source: PostgresSource) -> None:
    """Of two adds of one id only the first is told."""
    heard = Heard()
    postgres_source.subscribe(QUEUE, heard)
    await postgres_source.add(QUEUE, [job("a")])
    await postgres_source.add(QUEUE, [job("a"), job("b")])
    assert await heard.first(2) == [("waiting", "a", None), ("waiting", "b", None)]


async def test_events_reach_a_second_source(make_postgres_source: MakeSource) -> None:
    """Once ready, a listener hears what another source does."""
    here, there = make_postgres_source(), make_postgres_source()
    heard = Heard()
    await there.subscribe(QUEUE, heard).ready()
    await here.add(QUEUE, [job("a")])
    assert await heard.first(1) == [("waiting", "a", None)]


async def test_a_later_subscriber_hears_nothing_of_before(postgres_source: PostgresSource) -> None:
    """Neither the first nor a second subscriber of a queue is told the past."""
    first, second = Heard(), Heard()
    await postgres_source.add(QUEUE, [job("before")])
    postgres_source.subscribe(QUEUE, first)
    await postgres_source.add(QUEUE, [job("between")])
    postgres_source.subscribe(QUEUE, second)
    await postgres_source.add(QUEUE, [job("after")])
    await postgres_source.add(QUEUE, [job("end")])
    assert [id for _, id, _ in await first.first(3)] == ["between", "after", "end"]
    assert [id for _, id, _ in await second.first(2)] == ["after", "end"]


async def test_a_closed_subscription_hears_no_more(postgres_source: PostgresSource) -> None:
    """It ends alone, also from inside its own callback, and may be closed again."""
    quiet, canary = Heard(), Heard()

    def once(event: str, id: str | None, detail: str | int | None) -> None:
        quiet(event, id, detail)
        subscription.close()

    subscription = postgres_source.subscribe(QUEUE, once)
    postgres_source.subscribe(QUEUE, canary)
    await postgres_source.add(QUEUE, [job("a"), job("b")])
    await canary.first(2)
    subscription.close()
    assert [id for _, id, _ in quiet.events] == ["a"]


async def test_a_listener_that_raises_does_not_end_the_others(postgres_source: PostgresSource) -> None:
    """The next listener and the next event are served."""
    heard = Heard()

    def broken(event: str, id: str | None, detail: str | int | None) -> None:
        raise RuntimeError("broken listener")

    postgres_source.subscribe(QUEUE, broken)
    postgres_source.subscribe(QUEUE, heard)
    await postgres_source.add(QUEUE, [job("a"), job("b")])
    assert len(await heard.first(2)) == 2


async def wake(source: PostgresSource, act: Callable[[], object]) -> None:
    """Arm a watch of ``source``, do ``act``, wait for the call."""
    woken = asyncio.Event()
    watch = source.watch(QUEUE, woken.set)
    watch.arm()
    await act()  # type: ignore[misc]
    with anyio.fail_after(BUDGET_S):
        await woken.wait()
    await watch.close()


async def test_a_watch_is_woken_by_a_job_of_another_source(make_postgres_source: MakeSource) -> None:
    """An armed watch hears of new work, wherever it comes from."""
    here, there = make_postgres_source(), make_postgres_source()
    await wake(here, lambda: there.add(QUEUE, [job("a")]))


async def test_a_watch_is_woken_by_a_job_that_is_due_sooner(make_postgres_source: MakeSource) -> None:
    """A delayed job that becomes the first one due asks for another look."""
    here, there = make_postgres_source(), make_postgres_source()
    await wake(here, lambda: there.add(QUEUE, [job("a", delay=2 * HOUR_MS)]))
    await wake(here, lambda: there.add(QUEUE, [job("b", delay=HOUR_MS)]))


async def test_a_watch_is_woken_by_a_new_series(make_postgres_source: MakeSource) -> None:
    """A series that runs before all others asks for another look."""
    here, there = make_postgres_source(), make_postgres_source()
    new = Schedule("s", "report", "1", JobOptions(), "0 * * * *", None, None, await here.now() + HOUR_MS)
    await wake(here, lambda: there.put_schedule(QUEUE, new))


async def test_a_watch_is_woken_by_the_resume(make_postgres_source: MakeSource) -> None:
    """The end of a pause is new work."""
    here, there = make_postgres_source(), make_postgres_source()
    await there.pause(QUEUE)
    await there.add(QUEUE, [job("a")])
    await wake(here, lambda: there.resume(QUEUE))


async def test_work_left_by_one_claim_wakes_the_next_watch(make_postgres_source: MakeSource) -> None:
    """Of two jobs added at once the second wakes a second worker."""
    here, there = make_postgres_source(), make_postgres_source()
    await wake(here, lambda: there.add(QUEUE, [job("a"), job("b")]))
    await wake(there, lambda: claimed_ids(here, 1))


async def test_close_leaves_no_task_and_no_connection(make_postgres_source: MakeSource) -> None:
    """Readers, watches and waiting subscribers end with the source."""
    before = asyncio.all_tasks()
    source = make_postgres_source()
    await source.subscribe(QUEUE, Heard()).ready()
    source.subscribe("other", Heard())
    source.watch(QUEUE, lambda: None).arm()
    await source.add(QUEUE, [job("a")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await source.close()
    assert asyncio.all_tasks() == before
