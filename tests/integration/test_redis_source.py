"""RedisSource and its server: keys, calls, scripts, eviction, lost connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis_source_tools import MakeSource, until
from source_tools import (
    BUDGET_S,
    QUEUE,
    Heard,
    claim,
    claimed_ids,
    ended_ids,
    exchange_until,
    job,
    spread,
    state_of,
    wake,
)

from nq_reference.job_source import Outcome
from nq_reference.sources.redis import RedisSource

pytest_plugins = ["redis_source_tools"]
pytestmark = pytest.mark.anyio
real_server_only = pytest.mark.parametrize("redis_url", ["real"], indirect=True)


@pytest.fixture
def anyio_backend() -> str:
    """The source runs on asyncio alone."""
    return "asyncio"


@asynccontextmanager
async def full_memory(url: str, over: int) -> AsyncIterator[None]:
    """A server that has as many bytes more than it may; without a limit again at the end."""
    async with Redis.from_url(url) as client:
        used = (await client.info("memory"))["used_memory"]
        await client.config_set("maxmemory", used - over)
        try:
            yield
        finally:
            await client.config_set("maxmemory", 0)


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


@real_server_only
async def test_a_server_whose_memory_is_full_takes_outcomes_and_no_jobs(
    make_redis_source: MakeSource, redis_url: str
) -> None:
    """What is under way is held, ends, is retried and recovered, so that memory can be freed; then jobs
    are taken again."""
    source = make_redis_source()
    await source.add(QUEUE, [replace(job(str(n)), data=f'"{"x" * 16_000}"') for n in range(100)])
    held = await claimed_ids(source, 100, lock_ms=600_000)
    async with full_memory(redis_url, 500_000):
        with pytest.raises(RedisError, match="maxmemory"):
            await source.add(QUEUE, [job("more")])
        assert await source.extend_locks(QUEUE, [(held[0], "t"), (held[1], "t")], 1) == []
        assert await claimed_ids(source, 0, Outcome(held[2], "t", "complete", "1")) == []
        await claimed_ids(source, 0, Outcome(held[3], "t", "retry", "no", delay=1))
        wish = claim(1, token="u")
        again = [await exchange_until(source, wish, lambda reply: reply.claimed, "a job") for _ in range(3)]
        assert {reply.claimed[0].id for reply in again} == {held[0], held[1], held[3]}
        assert await state_of(source, held[2]) == "completed"
        freed = [Outcome(id, "t", "complete", "1", keep=0) for id in held[4:]]
        assert all((await source.exchange(QUEUE, freed, claim(0))).accepted)
        await source.add(QUEUE, [job("more")])
    assert await state_of(source, "more") == "waiting"


@real_server_only
async def test_jobs_that_end_in_one_call_share_what_it_drops_of_a_long_history(
    redis_source: RedisSource,
) -> None:
    """However many they are, the server is not held for long (RTY-12)."""
    await ended_ids(redis_source, 2_500, keep=None)
    await ended_ids(redis_source, 5, keep=2, name="new")
    assert (await redis_source.counts(QUEUE)).completed == 2_505 - 1_000 - 4


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
