"""RedisSource keeps jobs, their order and their states, on a real server and on fakeredis."""

from __future__ import annotations

import anyio
import pytest
from redis.asyncio import Redis
from redis_source_tools import MakeSource, job
from source_tools import QUEUE, claim, claimed_ids, state_of

from nq_conformance.contract import ClosedError, JobCounts, JobState
from nq_reference.job_source import Outcome
from nq_reference.sources.redis import RedisSource

pytest_plugins = ["redis_source_tools"]
pytestmark = pytest.mark.anyio
real_server_only = pytest.mark.parametrize("redis_url", ["real"], indirect=True)
ALL: tuple[JobState, ...] = ("active", "completed", "delayed", "failed", "paused", "waiting")


@pytest.fixture
def anyio_backend() -> str:
    """The source runs on asyncio alone."""
    return "asyncio"


async def test_a_job_comes_back_as_it_was_given(redis_source: RedisSource) -> None:
    """Name, data, options and state of a stored job are those it was added with."""
    given = job("a", priority=3, attempts=2, remove_on_fail=7)
    await redis_source.add(QUEUE, [given])
    found = await redis_source.get(QUEUE, "a")
    assert found is not None
    assert (found.name, found.data, found.opts, found.state) == (
        given.name,
        given.data,
        given.opts,
        "waiting",
    )


async def test_an_unknown_id_is_none(redis_source: RedisSource) -> None:
    """A job that was never added is not found."""
    assert await redis_source.get(QUEUE, "nobody") is None


async def test_a_second_add_of_an_id_changes_nothing(redis_source: RedisSource) -> None:
    """The id comes back, and the job keeps its first options."""
    await redis_source.add(QUEUE, [job("a", priority=1)])
    assert await redis_source.add(QUEUE, [job("a", priority=9), job("b")]) == ["a", "b"]
    kept = await redis_source.get(QUEUE, "a")
    assert kept is not None
    assert kept.opts.priority == 1
    assert (await redis_source.counts(QUEUE)).waiting == 2


async def test_the_lower_priority_number_goes_first_and_equal_ones_in_order(
    redis_source: RedisSource,
) -> None:
    """0 runs before all others, and jobs of one priority first in, first out."""
    await redis_source.add(QUEUE, [job(str(n), priority=n % 3) for n in range(12)])
    order = [str(n) for wanted in range(3) for n in range(12) if n % 3 == wanted]
    assert await claimed_ids(redis_source, 99) == order


async def test_a_retry_goes_behind_those_that_wait(redis_source: RedisSource) -> None:
    """A retry without delay is behind the backlog of its own priority, before worse ones."""
    await redis_source.add(QUEUE, [job("a"), job("b"), job("later", priority=1)])
    await claimed_ids(redis_source, 1)
    assert await claimed_ids(redis_source, 9, Outcome("a", "t", "retry", "broken")) == ["b", "a", "later"]


async def test_a_released_job_goes_to_the_head(redis_source: RedisSource) -> None:
    """A job given back stands where it stood, with no attempt counted."""
    await redis_source.add(QUEUE, [job("a"), job("b"), job("c")])
    await claimed_ids(redis_source, 2)
    answer = await redis_source.exchange(
        QUEUE, [Outcome("b", "t", "release"), Outcome("a", "t", "release")], claim(9)
    )
    assert [(each.id, each.attempts_made) for each in answer.claimed] == [("a", 0), ("b", 0), ("c", 0)]


async def test_a_completed_job_carries_its_result(redis_source: RedisSource) -> None:
    """The result is kept as text, with the attempt counted and the times in order."""
    await redis_source.add(QUEUE, [job("a")])
    await claimed_ids(redis_source, 1)
    answer = await redis_source.exchange(QUEUE, [Outcome("a", "t", "complete", "[]")], claim(0))
    done = await redis_source.get(QUEUE, "a")
    assert answer.accepted == [True]
    assert done is not None
    assert (done.state, done.return_value, done.attempts_made) == ("completed", "[]", 1)
    assert done.processed_on is not None
    assert done.finished_on is not None
    assert done.timestamp <= done.processed_on <= done.finished_on


async def test_a_failed_job_carries_the_reason_of_its_last_attempt(redis_source: RedisSource) -> None:
    """After a retry and a failure there are two attempts and the second reason."""
    await redis_source.add(QUEUE, [job("a")])
    await claimed_ids(redis_source, 1)
    await claimed_ids(redis_source, 1, Outcome("a", "t", "retry", "first"), token="u")
    await claimed_ids(redis_source, 0, Outcome("a", "u", "fail", "second"))
    failed = await redis_source.get(QUEUE, "a")
    assert failed is not None
    assert (failed.state, failed.failed_reason, failed.attempts_made) == ("failed", "second", 2)


async def test_an_outcome_under_another_token_is_refused(redis_source: RedisSource) -> None:
    """Who does not hold the job can't end it."""
    await redis_source.add(QUEUE, [job("a")])
    await claimed_ids(redis_source, 1)
    answer = await redis_source.exchange(QUEUE, [Outcome("a", "other", "complete", "1")], claim(0))
    assert answer.accepted == [False]
    assert await state_of(redis_source, "a") == "active"


async def test_an_outcome_sent_twice_is_accepted_twice_and_counts_once(redis_source: RedisSource) -> None:
    """An acknowledgement whose answer was lost can be sent again."""
    await redis_source.add(QUEUE, [job("a")])
    await claimed_ids(redis_source, 1)
    outcome = Outcome("a", "t", "complete", "1")
    answer = await redis_source.exchange(QUEUE, [outcome, outcome], claim(0))
    done = await redis_source.get(QUEUE, "a")
    assert answer.accepted == [True, True]
    assert done is not None
    assert done.attempts_made == 1


@pytest.mark.parametrize("keep", [0, 1, 3])
async def test_retention_keeps_exactly_the_newest(redis_source: RedisSource, keep: int) -> None:
    """Of jobs that end in one call the last ``keep`` stay, in the order they ended."""
    ids = [str(n) for n in range(6)]
    await redis_source.add(QUEUE, [job(each) for each in ids])
    await claimed_ids(redis_source, 6)
    await claimed_ids(redis_source, 0, *(Outcome(each, "t", "complete", "1", keep=keep) for each in ids))
    assert [each.id for each in await redis_source.list(QUEUE, ["completed"], 0, None)] == ids[
        len(ids) - keep :
    ]
    assert (await redis_source.counts(QUEUE)).completed == keep


async def test_removing_a_job_at_its_end_leaves_the_others(redis_source: RedisSource) -> None:
    """A job that keeps none removes itself alone, and its id is free again."""
    await redis_source.add(QUEUE, [job("a"), job("b")])
    await claimed_ids(redis_source, 2)
    await claimed_ids(redis_source, 0, Outcome("a", "t", "fail", "x"), Outcome("b", "t", "fail", "x", keep=0))
    assert [await state_of(redis_source, each) for each in "ab"] == ["failed", None]
    await redis_source.add(QUEUE, [job("b")])
    assert await state_of(redis_source, "b") == "waiting"


async def spread(source: RedisSource) -> None:
    """Ten jobs over all states: 0 to 9 by creation, 0 completed, 1 failed, 2 active, odd ones delayed."""
    await source.add(QUEUE, [job(str(n), delay=3_600_000 if n in (3, 5, 7, 9) else 0) for n in range(10)])
    await claimed_ids(source, 3)
    await claimed_ids(source, 0, Outcome("0", "t", "complete", "1"), Outcome("1", "t", "fail", "no"))


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (ALL, "0123456789"),
        (("waiting", "delayed"), "3456789"),
        (("completed", "active", "failed"), "012"),
        ((), ""),
    ],
)
async def test_a_list_merges_states_in_order_of_creation(
    redis_source: RedisSource, states: tuple[JobState, ...], expected: str
) -> None:
    """Whatever their states, jobs are listed oldest first."""
    await spread(redis_source)
    listed = await redis_source.list(QUEUE, states, 0, None)
    assert "".join(each.id for each in listed) == expected


@pytest.mark.parametrize("states", [ALL, ("waiting", "delayed", "completed", "failed")])
async def test_pages_of_a_list_follow_each_other(
    redis_source: RedisSource, states: tuple[JobState, ...]
) -> None:
    """Pages of three are disjoint and complete, and past the end there is nothing."""
    await spread(redis_source)
    whole = [each.id for each in await redis_source.list(QUEUE, states, 0, None)]
    pages = [await redis_source.list(QUEUE, states, offset, 3) for offset in range(0, 12, 3)]
    assert [each.id for page in pages for each in page] == whole
    assert await redis_source.list(QUEUE, states, 2**70, 2**70) == []
    assert await redis_source.list(QUEUE, states, 0, 0) == []


async def test_counts_tell_each_state(redis_source: RedisSource) -> None:
    """Every job is counted once, in the state it is in."""
    await spread(redis_source)
    expected = JobCounts(active=1, completed=1, failed=1, delayed=4, waiting=3)
    assert await redis_source.counts(QUEUE) == expected


async def test_a_held_queue_gives_no_job_until_resumed(make_redis_source: MakeSource) -> None:
    """The pause of one source holds the claims of another, and the order stays."""
    here, there = make_redis_source(), make_redis_source()
    await here.add(QUEUE, [job("a"), job("b")])
    await here.pause(QUEUE)
    await here.add(QUEUE, [job("c")])
    assert await there.is_paused(QUEUE)
    assert await claimed_ids(there, 9) == []
    assert (await there.counts(QUEUE)).waiting == 3
    await here.resume(QUEUE)
    assert not await there.is_paused(QUEUE)
    assert await claimed_ids(there, 9) == ["a", "b", "c"]


async def test_any_job_but_an_active_one_can_be_removed(redis_source: RedisSource) -> None:
    """Waiting, delayed and ended jobs go; the active one and an unknown one do not."""
    await spread(redis_source)
    removed = [await redis_source.remove(QUEUE, id) for id in ("0", "1", "2", "3", "4", "nobody")]
    assert removed == [True, True, False, True, True, False]
    assert [each.id for each in await redis_source.list(QUEUE, ALL, 0, None)] == [
        "2",
        "5",
        "6",
        "7",
        "8",
        "9",
    ]
    assert await redis_source.counts(QUEUE) == JobCounts(active=1, delayed=3, waiting=2)


@pytest.mark.parametrize(
    "name",
    ["meta", "job:1", "a:b", "{a}", "}{", "%3A", "über\u2028\U0001f600", "a\r\nb\x01", "0001", " ", "*?["],
)
async def test_any_name_works_for_a_queue_and_a_job(redis_source: RedisSource, name: str) -> None:
    """Names that look like keys, globs or separators are names and nothing else."""
    await redis_source.add(name, [job(name)])
    answer = await redis_source.exchange(name, [], claim(1, token=name))
    assert [each.id for each in answer.claimed] == [name]
    await redis_source.exchange(name, [Outcome(name, name, "complete", "1")], claim(0))
    found = await redis_source.get(name, name)
    assert found is not None
    assert (found.id, found.name, found.state) == (name, f"name of {name}", "completed")


async def test_prefix_and_queue_never_run_together(make_redis_source: MakeSource) -> None:
    """Prefix "a:b" with queue "c" is not prefix "a" with queue "b:c"."""
    await make_redis_source(prefix="a:b").add("c", [job("x")])
    assert await make_redis_source(prefix="a").get("b:c", "x") is None


@real_server_only
async def test_all_keys_of_a_queue_share_its_hash_tag(make_redis_source: MakeSource, redis_url: str) -> None:
    """Whatever a queue needs lies under ``{prefix:queue}``, so that a cluster keeps it in one slot."""
    source = make_redis_source(prefix="tagged")
    await spread(source)
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        keys = [key async for key in client.scan_iter("*tagged*")]
    assert keys
    assert all(key.startswith(f"{{tagged:{QUEUE}}}:") for key in keys)


@real_server_only
async def test_adds_at_the_same_time_share_a_call(make_redis_source: MakeSource, redis_url: str) -> None:
    """A hundred concurrent adds cost a few calls, not a hundred."""
    source = make_redis_source()
    await source.add(QUEUE, [job("first")])
    async with Redis.from_url(redis_url) as client:
        await client.config_resetstat()

        async def add(n: int) -> None:
            await source.add(QUEUE, [job(str(n))])

        async with anyio.create_task_group() as tasks:
            for n in range(100):
                tasks.start_soon(add, n)
        stats = await client.info("commandstats")
    assert (await source.counts(QUEUE)).waiting == 101
    assert stats["cmdstat_evalsha"]["calls"] <= 3


@real_server_only
async def test_scripts_that_the_server_forgot_are_sent_again(
    redis_source: RedisSource, redis_url: str
) -> None:
    """A flushed script cache, as after a restart, goes unnoticed."""
    await redis_source.add(QUEUE, [job("a")])
    async with Redis.from_url(redis_url) as client:
        await client.script_flush()
    await redis_source.add(QUEUE, [job("b")])
    assert (await redis_source.counts(QUEUE)).waiting == 2


async def test_opening_twice_at_once_and_closing_twice_is_fine(make_redis_source: MakeSource) -> None:
    """Both are idempotent; a call on a closed source says that it is closed."""
    source = make_redis_source()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(source.open)
        tasks.start_soon(source.open)
    await source.add(QUEUE, [job("a")])
    await source.close()
    await source.close()
    with pytest.raises(ClosedError, match="closed"):
        await source.get(QUEUE, "a")


@real_server_only
async def test_a_server_that_may_evict_is_warned_about(
    make_redis_source: MakeSource, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Opening a source on a server with another policy than noeviction says so."""
    async with Redis.from_url(redis_url) as client:
        await client.config_set("maxmemory-policy", "allkeys-lru")
        await make_redis_source().open()
        await client.config_set("maxmemory-policy", "noeviction")
    assert "allkeys-lru" in caplog.text
