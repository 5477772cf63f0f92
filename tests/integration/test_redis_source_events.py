"""RedisSource tells what happens, wakes who listens, and goes on after a lost connection."""

from __future__ import annotations

import asyncio
import socket
import warnings
from collections.abc import Callable

import anyio
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis_source_tools import BUDGET_S, MakeSource, job, until
from source_tools import QUEUE, Heard, claim, claimed_ids, exchange_until

from nq_conformance.contract import JobOptions
from nq_reference.job_source import Outcome, Schedule
from nq_reference.sources.redis import RedisSource

pytest_plugins = ["redis_source_tools"]
pytestmark = pytest.mark.anyio
real_server_only = pytest.mark.parametrize("redis_url", ["real"], indirect=True)
HOUR_MS = 3_600_000


@pytest.fixture
def anyio_backend() -> str:
    """The source runs on asyncio alone."""
    return "asyncio"


async def test_the_life_of_a_job_is_told_in_order(redis_source: RedisSource) -> None:
    """A listener hears each step with its detail, none of them missed after subscribe returned."""
    heard = Heard()
    redis_source.subscribe(QUEUE, heard)
    await redis_source.add(QUEUE, [job("a")])
    await claimed_ids(redis_source, 1)
    await claimed_ids(redis_source, 1, Outcome("a", "t", "retry", "broken"), token="u")
    await claimed_ids(redis_source, 0, Outcome("a", "u", "complete", "[]"))
    assert await heard.first(5) == [
        ("waiting", "a", None),
        ("active", "a", None),
        ("waiting", "a", "active"),
        ("active", "a", None),
        ("completed", "a", "[]"),
    ]


async def test_a_delayed_job_tells_its_due_time_and_then_that_it_waits(redis_source: RedisSource) -> None:
    """The due time is an integer; waiting says that the job was delayed before."""
    heard = Heard()
    redis_source.subscribe(QUEUE, heard)
    await redis_source.add(QUEUE, [job("a", delay=1)])
    await exchange_until(redis_source, claim(1), lambda each: each.claimed, "the delayed job")
    stored = await redis_source.get(QUEUE, "a")
    assert stored is not None
    assert (await heard.first(2)) == [("delayed", "a", stored.timestamp + 1), ("waiting", "a", "delayed")]


async def test_a_stall_and_a_death_by_stalling_are_told_once_each(redis_source: RedisSource) -> None:
    """The first stall is an event of its own, the fatal one shows as failed."""
    heard = Heard()
    redis_source.subscribe(QUEUE, heard)
    await redis_source.add(QUEUE, [job("a")])
    wish = claim(1, lock_ms=1, max_stalls=1)
    await exchange_until(redis_source, wish, lambda each: each.dead, "the end of the job")
    events = [event for event, _, _ in await heard.first(5)]
    assert events == ["waiting", "active", "stalled", "active", "failed"]


async def test_a_pause_is_told_once(redis_source: RedisSource) -> None:
    """Pausing again says nothing; the event names no job."""
    heard = Heard()
    redis_source.subscribe(QUEUE, heard)
    await redis_source.pause(QUEUE)
    await redis_source.pause(QUEUE)
    await redis_source.add(QUEUE, [job("after")])
    assert await heard.first(2) == [("paused", None, None), ("waiting", "after", None)]


async def test_adding_a_kept_id_again_tells_nothing(redis_source: RedisSource) -> None:
    """Of two adds of one id only the first is told."""
    heard = Heard()
    redis_source.subscribe(QUEUE, heard)
    await redis_source.add(QUEUE, [job("a")])
    await redis_source.add(QUEUE, [job("a"), job("b")])
    assert await heard.first(2) == [("waiting", "a", None), ("waiting", "b", None)]


async def test_events_reach_a_second_source(make_redis_source: MakeSource) -> None:
    """Once ready, a listener hears what another source does."""
    here, there = make_redis_source(), make_redis_source()
    heard = Heard()
    await there.subscribe(QUEUE, heard).ready()
    await here.add(QUEUE, [job("a")])
    assert await heard.first(1) == [("waiting", "a", None)]


async def test_a_later_subscriber_hears_nothing_of_before(redis_source: RedisSource) -> None:
    """Neither the first nor a second subscriber of a queue is told the past."""
    first, second = Heard(), Heard()
    await redis_source.add(QUEUE, [job("before")])
    redis_source.subscribe(QUEUE, first)
    await redis_source.add(QUEUE, [job("between")])
    redis_source.subscribe(QUEUE, second)
    await redis_source.add(QUEUE, [job("after")])
    await redis_source.add(QUEUE, [job("end")])
    assert [id for _, id, _ in await first.first(3)] == ["between", "after", "end"]
    assert [id for _, id, _ in await second.first(2)] == ["after", "end"]


async def test_a_closed_subscription_hears_no_more(redis_source: RedisSource) -> None:
    """It ends alone, also from inside its own callback, and may be closed again."""
    quiet, canary = Heard(), Heard()

    def once(event: str, id: str | None, detail: str | int | None) -> None:
        quiet(event, id, detail)
        subscription.close()

    subscription = redis_source.subscribe(QUEUE, once)
    redis_source.subscribe(QUEUE, canary)
    await redis_source.add(QUEUE, [job("a"), job("b")])
    await canary.first(2)
    subscription.close()
    assert [id for _, id, _ in quiet.events] == ["a"]


async def test_a_listener_that_raises_does_not_end_the_others(redis_source: RedisSource) -> None:
    """The next listener and the next event are served."""
    heard = Heard()

    def broken(event: str, id: str | None, detail: str | int | None) -> None:
        raise RuntimeError("broken listener")

    redis_source.subscribe(QUEUE, broken)
    redis_source.subscribe(QUEUE, heard)
    await redis_source.add(QUEUE, [job("a"), job("b")])
    assert len(await heard.first(2)) == 2


async def wake(source: RedisSource, act: Callable[[], object]) -> None:
    """Arm a watch of ``source``, do ``act``, wait for the call."""
    woken = asyncio.Event()
    watch = source.watch(QUEUE, woken.set)
    watch.arm()
    await act()  # type: ignore[misc]
    with anyio.fail_after(BUDGET_S):
        await woken.wait()
    await watch.close()


async def test_a_watch_is_woken_by_a_job_of_another_source(make_redis_source: MakeSource) -> None:
    """An armed watch hears of new work, wherever it comes from."""
    here, there = make_redis_source(), make_redis_source()
    await wake(here, lambda: there.add(QUEUE, [job("a")]))


async def test_a_watch_is_woken_by_a_job_that_is_due_sooner(make_redis_source: MakeSource) -> None:
    """A delayed job that becomes the first one due asks for another look."""
    here, there = make_redis_source(), make_redis_source()
    await wake(here, lambda: there.add(QUEUE, [job("a", delay=2 * HOUR_MS)]))
    await wake(here, lambda: there.add(QUEUE, [job("b", delay=HOUR_MS)]))


async def test_a_watch_is_woken_by_a_new_series(make_redis_source: MakeSource) -> None:
    """A series that runs before all others asks for another look."""
    here, there = make_redis_source(), make_redis_source()
    new = Schedule("s", "report", "1", JobOptions(), "0 * * * *", None, None, await here.now() + HOUR_MS)
    await wake(here, lambda: there.put_schedule(QUEUE, new))


async def test_a_watch_is_woken_by_the_resume(make_redis_source: MakeSource) -> None:
    """The end of a pause is new work."""
    here, there = make_redis_source(), make_redis_source()
    await there.pause(QUEUE)
    await there.add(QUEUE, [job("a")])
    await wake(here, lambda: there.resume(QUEUE))


async def test_work_left_by_one_claim_wakes_the_next_watch(make_redis_source: MakeSource) -> None:
    """Of two jobs added at once the second wakes a second worker."""
    here, there = make_redis_source(), make_redis_source()
    await wake(here, lambda: there.add(QUEUE, [job("a"), job("b")]))
    await wake(there, lambda: claimed_ids(here, 1))


async def test_a_watch_that_is_not_armed_leaves_the_call_to_others(make_redis_source: MakeSource) -> None:
    """After its one call a watch takes no marker until it is armed again."""
    here, there = make_redis_source(), make_redis_source()
    calls: list[str] = []
    woken = asyncio.Event()

    def notify() -> None:
        calls.append("here")
        woken.set()

    watch = here.watch(QUEUE, notify)
    watch.arm()
    await there.add(QUEUE, [job("a")])
    with anyio.fail_after(BUDGET_S):
        await woken.wait()
    await wake(there, lambda: there.add(QUEUE, [job("b")]))
    assert calls == ["here"]


@real_server_only
async def test_listening_goes_on_after_connections_were_killed(
    redis_source: RedisSource, redis_url: str
) -> None:
    """A watch calls, so that its worker looks for itself, and events go on where they were."""
    heard, woken = Heard(), asyncio.Event()
    await redis_source.subscribe(QUEUE, heard).ready()
    watch = redis_source.watch(QUEUE, woken.set)
    watch.arm()
    async with Redis.from_url(redis_url) as client:

        async def both_block() -> bool:
            return int((await client.info("clients"))["blocked_clients"]) == 2

        await until(both_block, "the two blocking calls")
        await client.client_kill_filter(_type="normal", skipme=True)
    with anyio.fail_after(BUDGET_S):
        await woken.wait()
    await redis_source.add(QUEUE, [job("a")])
    assert await heard.first(1) == [("waiting", "a", None)]


async def test_calls_raise_when_nobody_answers() -> None:
    """Where no server is, an error comes within the budget, also with a subscriber that waits."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        down = RedisSource(f"redis://127.0.0.1:{free.getsockname()[1]}/0")
        down.subscribe(QUEUE, Heard())
        with anyio.fail_after(BUDGET_S):
            for call in (down.open(), down.add(QUEUE, [job("a")]), down.counts(QUEUE), down.get(QUEUE, "a")):
                with pytest.raises(RedisError):
                    await call
            await down.close()


async def test_close_leaves_no_task_and_no_connection(make_redis_source: MakeSource) -> None:
    """Readers, watches and waiting subscribers end with the source."""
    before = asyncio.all_tasks()
    source = make_redis_source()
    await source.subscribe(QUEUE, Heard()).ready()
    source.subscribe("other", Heard())
    source.watch(QUEUE, lambda: None).arm()
    await source.add(QUEUE, [job("a")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await source.close()
    assert asyncio.all_tasks() == before
