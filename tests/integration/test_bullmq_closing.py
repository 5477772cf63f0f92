"""BullMQProvider closes within bounds, and leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest
from bullmq_tools import QUEUE, Calls, MakeProvider, job_in, until
from redis.asyncio import Redis

from nq_conformance.contract import (
    ClosedError,
    JobInput,
    JobOptions,
    WorkerOptions,
)
from nq_reference import BullMQProvider

pytest_plugins = ["bullmq_tools"]
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """BullMQ runs on asyncio alone."""
    return "asyncio"


async def test_a_handler_that_outlives_closing_gives_its_job_back(make_bullmq: MakeProvider) -> None:
    """The job waits at the head of its queue, and no attempt is counted."""
    provider = make_bullmq(close_timeout_ms=50)
    manager = provider.worker_manager()
    handler = Calls(asyncio.Event())
    await manager.register_worker(QUEUE, "greet", handler)
    ids = await provider.enqueue_many(QUEUE, [JobInput("greet", n) for n in range(2)])
    await handler.reach(1)
    await manager.close_all()
    jobs = await provider.get_jobs(QUEUE)
    assert [(job.state, job.attempts_made) for job in jobs] == [("waiting", 0)] * 2
    again = Calls()
    await provider.worker_manager().register_worker(QUEUE, "greet", again)
    await again.reach(2)
    assert [ctx.job_id for _, ctx in again.seen] == list(ids)


async def test_closing_in_the_middle_of_claims_leaves_nothing_active(bullmq: BullMQProvider) -> None:
    """Each job has ended or waits, however the claims fell."""
    for round_ in range(20):
        queue = f"{QUEUE}-{round_}"
        await bullmq.enqueue_many(queue, [JobInput("greet", n) for n in range(30)])
        manager = bullmq.worker_manager()
        handler = Calls()
        await manager.register_worker(queue, "greet", handler, WorkerOptions(concurrency=5))
        await handler.reach(round_ + 1)
        await manager.close_all()
        counts = await bullmq.get_job_counts(queue)
        assert (counts.active, counts.completed + counts.waiting) == (0, 30)
        assert counts.completed == len(handler.seen)


async def test_after_closing_nothing_is_left(
    make_bullmq: MakeProvider, bullmq_url: str, bullmq_prefix: str
) -> None:
    """No task, no connection; later calls raise a closed error."""
    before = asyncio.all_tasks()
    async with Redis.from_url(bullmq_url) as redis:
        connections = len(await redis.client_list())
        provider = make_bullmq()
        await provider.init()
        subscription = provider.on(QUEUE, "completed", print)
        await subscription.ready()  # type: ignore[attr-defined]
        manager = provider.worker_manager()
        await manager.register_worker(QUEUE, "greet", Calls(), WorkerOptions(concurrency=3))
        id = await provider.enqueue(QUEUE, JobInput("greet"))
        await job_in(provider, id, "completed")
        await provider.close()
        assert asyncio.all_tasks() - before == set()

        async def gone() -> bool:
            return len(await redis.client_list()) == connections

        await until(gone, "the provider's connections closed")
    with pytest.raises(ClosedError):
        await provider.enqueue(QUEUE, JobInput("greet"))
    with pytest.raises(ClosedError):
        manager.get_worker(QUEUE, "greet")


async def test_closing_at_any_moment_after_a_start_ends_at_once(
    make_bullmq: MakeProvider, bullmq_url: str
) -> None:
    """However far the worker has come with connecting, and nothing of it is left."""
    async with Redis.from_url(bullmq_url) as redis:
        connections = len(await redis.client_list())
        for turns in range(60):
            provider = make_bullmq()
            manager = provider.worker_manager()
            await manager.register_worker(QUEUE, "greet", Calls(), WorkerOptions(concurrency=turns % 3 + 1))
            for _ in range(turns):
                await asyncio.sleep(0)
            async with asyncio.timeout(2):
                await manager.close_all()
            await provider.close()

        async def gone() -> bool:
            return len(await redis.client_list()) == connections

        await until(gone, "the providers' connections closed")


async def test_a_handler_that_runs_while_closing_keeps_its_lock(bullmq: BullMQProvider) -> None:
    """It runs once, although others have ended and it takes far longer than a lock lasts."""
    gate, stalled = asyncio.Event(), list[object]()
    subscription = bullmq.on(QUEUE, "stalled", stalled.append)
    await subscription.ready()  # type: ignore[attr-defined]
    options = WorkerOptions(concurrency=2, lock_duration_ms=300)
    handler, other = Calls(gate), Calls()
    closing = bullmq.worker_manager()
    await closing.register_worker(QUEUE, "slow", handler, options)
    id = await bullmq.enqueue(QUEUE, JobInput("slow"))
    await handler.reach(1)
    await bullmq.worker_manager().register_worker(QUEUE, "slow", other, options)
    closed = asyncio.create_task(closing.close_all())
    ticks = Calls()
    await bullmq.worker_manager().register_worker("ticks", "tick", ticks)
    await bullmq.enqueue_many("ticks", [JobInput("tick", n, JobOptions(delay=n * 100)) for n in range(15)])
    await ticks.reach(15)  # 1.4 s, more than four times the lock
    gate.set()
    await closed
    await job_in(bullmq, id, "completed")
    assert (len(handler.seen), other.seen, stalled) == (1, [], [])
