"""BullMQProvider's workers: what becomes of a job, pause, growth, series."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bullmq_tools import QUEUE, Calls, job_in
from redis.asyncio import Redis

from nq_conformance.contract import (
    Backoff,
    InvalidWorkerError,
    JobInput,
    JobOptions,
    Repeat,
    ScheduleOptions,
    UnrecoverableError,
    WorkerOptions,
)
from nq_reference import BullMQProvider
from nq_reference.providers.bullmq import series

pytest_plugins = ["bullmq_tools"]
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """BullMQ runs on asyncio alone."""
    return "asyncio"


async def failing(data: Any, ctx: Any) -> None:
    """A handler that raises what its payload says."""
    raise {"plain": ValueError, "final": UnrecoverableError}[data["kind"]](data["text"])


async def test_an_unrecoverable_error_ends_the_job_at_once(bullmq: BullMQProvider) -> None:
    """Whatever attempts are left; BullMQ is told so in its own words."""
    await bullmq.worker_manager().register_worker(QUEUE, "greet", failing)
    opts = JobOptions(attempts=5)
    id = await bullmq.enqueue(QUEUE, JobInput("greet", {"kind": "final", "text": "never"}, opts))
    job = await job_in(bullmq, id, "failed")
    assert (job.attempts_made, job.failed_reason) == (1, "never")


async def test_a_reason_that_redis_or_json_can_not_hold_is_kept_all_the_same(bullmq: BullMQProvider) -> None:
    """NUL, lone surrogates and a megabyte of text must not leave a job active."""
    await bullmq.worker_manager().register_worker(QUEUE, "greet", failing)
    text = "a\0b" + "x" * 2**20
    data = {"kind": "plain", "text": text}
    id = await bullmq.enqueue(QUEUE, JobInput("greet", data))
    job = await job_in(bullmq, id, "failed")
    assert (job.failed_reason or "").startswith("a\N{REPLACEMENT CHARACTER}bxxx")


async def test_the_backoff_after_many_failures_is_finite(
    bullmq: BullMQProvider, bullmq_url: str, bullmq_prefix: str
) -> None:
    """The delay is the runner's, not one that has grown beyond all numbers."""
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    subscription = bullmq.on(QUEUE, "delayed", told.put_nowait)
    await subscription.ready()  # type: ignore[attr-defined]
    opts = JobOptions(job_id="mine", attempts=10_000, backoff=Backoff("exponential", 1000))
    await bullmq.pause(QUEUE)
    await bullmq.enqueue(QUEUE, JobInput("greet", {"kind": "plain", "text": "no"}, opts))
    async with Redis.from_url(bullmq_url) as redis:
        await redis.hset(f"{bullmq_prefix}:{QUEUE}:mine", "atm", "5000")
    await bullmq.worker_manager().register_worker(QUEUE, "greet", failing)
    await bullmq.resume(QUEUE)
    async with asyncio.timeout(20):
        assert (await told.get())["delay"] < 10**16
    job = await bullmq.get_job(QUEUE, "mine")
    assert job is not None
    assert (job.state, job.attempts_made) == ("delayed", 5001)


async def test_an_attempt_that_takes_too_long_fails_and_is_made_again(bullmq: BullMQProvider) -> None:
    """BullMQ has no timeout; ours is added, per attempt, and told in the reason."""
    await bullmq.worker_manager().register_worker(QUEUE, "greet", Calls(asyncio.Event()))
    id = await bullmq.enqueue(QUEUE, JobInput("greet", 1, JobOptions(timeout=20, attempts=2)))
    job = await job_in(bullmq, id, "failed")
    assert job.attempts_made == 2
    assert "timeout of 20 ms" in (job.failed_reason or "")


async def test_a_pause_that_has_returned_lets_no_handler_start(bullmq: BullMQProvider) -> None:
    """Also none whose job had been claimed just before."""
    handler = Calls()
    await bullmq.worker_manager().register_worker(QUEUE, "greet", handler, WorkerOptions(concurrency=8))
    for round_ in range(1, 21):
        await bullmq.enqueue_many(QUEUE, [JobInput("greet", n) for n in range(20)])
        await bullmq.pause(QUEUE)
        begun = len(handler.seen)
        canary = f"canary-{round_}"
        ran = Calls()
        await bullmq.worker_manager().register_worker(canary, "greet", ran)
        await bullmq.enqueue(canary, JobInput("greet"))
        await ran.reach(1)
        assert len(handler.seen) == begun
        await bullmq.resume(QUEUE)
        await handler.reach(20 * round_)


async def test_a_later_registration_gets_its_slots_while_all_are_busy(bullmq: BullMQProvider) -> None:
    """The higher concurrency holds at once, and is not exceeded."""
    gate = asyncio.Event()
    handler = Calls(gate)
    manager = bullmq.worker_manager()
    await manager.register_worker(QUEUE, "greet", handler)
    ids = await bullmq.enqueue_many(QUEUE, [JobInput("greet", n) for n in range(6)])
    await handler.reach(1)
    await manager.register_worker(QUEUE, "other", handler, WorkerOptions(concurrency=3))
    await handler.reach(3)
    counts = await bullmq.get_job_counts(QUEUE)
    assert (counts.active, counts.waiting) == (3, 3)
    gate.set()
    for id in ids:
        await job_in(bullmq, id, "completed")
    assert handler.most == 3


async def test_a_series_with_a_limit_runs_as_often_and_ends(bullmq: BullMQProvider) -> None:
    """Then it is no longer listed, although BullMQ keeps its record, and it can begin anew."""
    handler = Calls()
    await bullmq.worker_manager().register_worker(QUEUE, "tick", handler)
    twice = ScheduleOptions(repeat=Repeat("* * * * * *", 2))
    first = await bullmq.schedule(QUEUE, JobInput("tick"), twice)
    again = await bullmq.schedule(QUEUE, JobInput("tick"), twice)
    assert first == again
    await handler.reach(2)
    assert await bullmq.get_scheduled_jobs(QUEUE) == []
    await bullmq.schedule(QUEUE, JobInput("tick"), twice)
    await handler.reach(4)
    assert handler.data == [None] * 4
    assert len({ctx.job_id for _, ctx in handler.seen}) == 4


async def test_a_run_that_ends_while_its_series_is_given_again_does_not_run_twice(
    bullmq: BullMQProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who gives it has read of a next run that is over when he writes."""
    handler = Calls()
    await bullmq.worker_manager().register_worker(QUEUE, "tick", handler)
    every_second = ScheduleOptions(cron="* * * * * *")
    await bullmq.schedule(QUEUE, JobInput("tick", 1), every_second)
    read = series.all_of
    late: list[int] = []

    async def read_and_dawdle(queue: Any) -> list[Any]:
        found = await read(queue)
        if not late:
            late.append(found[0].next_at)
            await job_in(bullmq, series.run_id(found[0].id, found[0].next_at), "completed")
        return found

    monkeypatch.setattr(series, "all_of", read_and_dawdle)
    await bullmq.schedule(QUEUE, JobInput("tick", 2), every_second)
    await handler.reach(len(handler.seen) + 2)
    ids = [ctx.job_id for _, ctx in handler.seen]
    assert len(set(ids)) == len(ids)
    assert handler.data[-1] == 2


async def test_the_prefix_of_a_worker_must_be_that_of_its_provider(bullmq: BullMQProvider) -> None:
    """They would never meet otherwise."""
    with pytest.raises(InvalidWorkerError, match="prefix"):
        await bullmq.worker_manager().register_worker(QUEUE, "a", Calls(), WorkerOptions(prefix="other"))
