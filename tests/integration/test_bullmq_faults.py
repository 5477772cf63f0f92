"""BullMQProvider's workers outlive what happens to them, and to each other."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from bullmq_tools import QUEUE, Calls, job_in, until
from redis.asyncio import Redis

from nq_conformance.contract import (
    JobCounts,
    JobInput,
    JobOptions,
    StepEvent,
    WorkerOptions,
)
from nq_reference import BullMQProvider

pytest_plugins = ["bullmq_tools"]
pytestmark = pytest.mark.anyio
SHORT_LOCK = WorkerOptions(lock_duration_ms=300)
LoseWorker = Callable[[], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> str:
    """BullMQ runs on asyncio alone."""
    return "asyncio"


class Bus:
    """An event manager that keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[StepEvent] = []

    async def publish_bus(self, event: StepEvent) -> None:
        self.steps.append(event)


async def test_a_long_job_keeps_its_lock(bullmq: BullMQProvider) -> None:
    """It runs once, for many times as long as its lock lasts."""
    gate = asyncio.Event()
    handler = Calls(gate)
    for _ in range(2):
        await bullmq.worker_manager().register_worker(QUEUE, "greet", handler, SHORT_LOCK)
    stalled: list[object] = []
    subscription = bullmq.on(QUEUE, "stalled", stalled.append)
    await subscription.ready()  # type: ignore[attr-defined]
    id = await bullmq.enqueue(QUEUE, JobInput("greet"))
    await handler.reach(1)
    ticks = Calls()
    await bullmq.worker_manager().register_worker("ticks", "tick", ticks)
    await bullmq.enqueue_many("ticks", [JobInput("tick", n, JobOptions(delay=n * 100)) for n in range(1, 13)])
    await ticks.reach(12)  # 1.2 s, four times the lock
    gate.set()
    await job_in(bullmq, id, "completed")
    assert (len(handler.seen), stalled) == (1, [])


LOST_WORKER = """
import asyncio, sys
from nq_conformance.contract import WorkerOptions
from nq_reference import BullMQProvider

async def handler(data, ctx):
    print("claimed", flush=True)
    await asyncio.Event().wait()

async def main():
    provider = BullMQProvider(sys.argv[1], prefix=sys.argv[2])
    options = WorkerOptions(lock_duration_ms=300)
    await provider.worker_manager().register_worker(sys.argv[3], "greet", handler, options)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def lose_worker(bullmq_url: str, bullmq_prefix: str) -> Callable[[], Awaitable[None]]:
    """Starts a worker in another process and kills it once it has claimed a job."""

    async def lose() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            LOST_WORKER,
            bullmq_url,
            bullmq_prefix,
            QUEUE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(20):
                assert await process.stdout.readline() == b"claimed\n"
        finally:
            process.kill()
            await process.wait()

    return lose


async def test_the_job_of_a_killed_worker_is_run_by_another(
    bullmq: BullMQProvider, lose_worker: LoseWorker
) -> None:
    """It is told as stalled, and the stall counts as no attempt."""
    stalled: list[dict[str, Any]] = []
    subscription = bullmq.on(QUEUE, "stalled", stalled.append)
    await subscription.ready()  # type: ignore[attr-defined]
    id = await bullmq.enqueue(QUEUE, JobInput("greet"))
    await lose_worker()
    handler = Calls()
    await bullmq.worker_manager().register_worker(QUEUE, "greet", handler, SHORT_LOCK)
    job = await job_in(bullmq, id, "completed")
    assert (job.attempts_made, stalled) == (1, [{"job_id": id}])


async def test_a_job_that_stalls_too_often_is_failed_and_told_once(
    bullmq: BullMQProvider, lose_worker: LoseWorker
) -> None:
    """One failed event, one step.failed of the worker's own, and no handler is called."""
    bus, failed, handler = Bus(), list[dict[str, Any]](), Calls()
    subscription = bullmq.on(QUEUE, "failed", failed.append)
    await subscription.ready()  # type: ignore[attr-defined]
    id = await bullmq.enqueue(QUEUE, JobInput("greet", {"flow_id": "f"}, JobOptions(attempts=3)))
    await lose_worker()
    options = WorkerOptions(lock_duration_ms=300, max_stalled_count=0)
    await bullmq.worker_manager(events=bus).register_worker(QUEUE, "greet", handler, options)
    await job_in(bullmq, id, "failed")

    async def told() -> bool:
        return bool(bus.steps and failed)

    await until(told, "the failure told")
    assert [event["job_id"] for event in failed] == [id]
    assert [(step.type, step.step_id) for step in bus.steps] == [("step.failed", "f__greet__worker-error")]
    assert handler.seen == []


async def test_an_id_without_a_job_is_skipped(
    bullmq: BullMQProvider, bullmq_url: str, bullmq_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The jobs behind it run, and it leaves no trace but a line in the log."""
    caplog.set_level(logging.WARNING)
    lost = await bullmq.enqueue(QUEUE, JobInput("greet", 1))
    kept = await bullmq.enqueue(QUEUE, JobInput("greet", 2))
    async with Redis.from_url(bullmq_url) as redis:
        await redis.delete(f"{bullmq_prefix}:{QUEUE}:{lost}")
    await bullmq.worker_manager().register_worker(QUEUE, "greet", Calls())
    await job_in(bullmq, kept, "completed")
    assert await bullmq.get_job_counts(QUEUE) == JobCounts(completed=1)
    assert any(lost in line and "its record is gone" in line for line in caplog.messages)


async def test_a_worker_outlives_the_loss_of_all_connections(bullmq: BullMQProvider, bullmq_url: str) -> None:
    """It goes on by itself, and so do subscriptions."""
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    subscription = bullmq.on(QUEUE, "completed", told.put_nowait)
    await subscription.ready()  # type: ignore[attr-defined]
    handler = Calls()
    await bullmq.worker_manager().register_worker(QUEUE, "greet", handler)
    async with Redis.from_url(bullmq_url) as redis:
        await redis.client_kill_filter(_type="normal", skipme=True)
    id = await bullmq.enqueue(QUEUE, JobInput("greet"))
    async with asyncio.timeout(20):
        assert (await told.get())["job_id"] == id
