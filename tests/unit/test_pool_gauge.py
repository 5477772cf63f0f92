"""What a pool's gauge reads of queues in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import anyio
import pytest

from nq_conformance.contract import Job, JobCounts, JobInput, JobOptions, WorkerOptions
from nq_reference import MemoryProvider
from nq_reference.pool import QueueGauge, Reading
from nq_reference.pool.gauge import waits_since

pytestmark = pytest.mark.anyio


class Clock:
    """A time that the test sets."""

    def __init__(self) -> None:
        self.ms = 0.0

    def __call__(self) -> float:
        return self.ms


def at(epoch_ms: float) -> Callable[[], Awaitable[float]]:
    """A clock that stands still."""

    async def now() -> float:
        return epoch_ms

    return now


@pytest.fixture
async def provider() -> AsyncIterator[MemoryProvider]:
    """Open for the test."""
    provider = MemoryProvider()
    await provider.init()
    try:
        yield provider
    finally:
        await provider.close()


async def test_each_queue_is_read_with_its_slots(provider: MemoryProvider) -> None:
    """And with the age of the job that has waited longest."""
    id = await provider.enqueue("a", JobInput("x", None))
    await provider.enqueue("a", JobInput("x", None))
    job = await provider.get_job("a", id)
    assert job is not None
    gauge = QueueGauge(provider, {"a": 3, "b": 1}, now_ms=at(job.timestamp + 700.0))
    assert await gauge.read() == [
        Reading("a", waiting=2, active=0, slots=3, oldest_age_ms=700.0),
        Reading("b", waiting=0, active=0, slots=1),
    ]


def test_a_delayed_job_waits_from_when_it_is_due() -> None:
    """And nobody knows how long a retry has waited."""
    job = Job("1", "x", None, "waiting", 1_000, opts=JobOptions(delay=100))
    assert waits_since(job) == 1_100
    assert waits_since(replace(job, attempts_made=1)) is None


async def test_what_waits_in_a_paused_queue_needs_no_worker(provider: MemoryProvider) -> None:
    """Until it is resumed."""
    await provider.enqueue("a", JobInput("x", None))
    gauge = QueueGauge(provider, {"a": 1})
    await provider.pause("a")
    assert [reading.waiting for reading in await gauge.read()] == [0]
    await provider.resume("a")
    assert [reading.waiting for reading in await gauge.read()] == [1]


async def test_the_rate_is_that_of_one_busy_slot(provider: MemoryProvider) -> None:
    """Two jobs ended in half a second beside two that run: two a second for each slot."""
    clock, gates = Clock(), [anyio.Event() for _ in range(4)]
    manager = provider.worker_manager()

    async def handler(data: Any, ctx: Any) -> None:
        await gates[data].wait()

    await manager.register_worker("a", "x", handler, WorkerOptions(concurrency=2))
    gauge = QueueGauge(provider, {"a": 2}, monotonic_ms=clock)
    for number in range(4):
        await provider.enqueue("a", JobInput("x", number))
    assert [reading.rate for reading in await gauge.read()] == [None]
    gates[0].set()
    gates[1].set()
    with anyio.fail_after(10):
        while (await provider.get_job_counts("a")) != JobCounts(active=2, completed=2):  # noqa: ASYNC110 - nobody tells that both are so
            await anyio.sleep(0.001)
    clock.ms = 500
    assert [reading.rate for reading in await gauge.read()] == [2.0]
    gates[2].set()
    gates[3].set()
    await manager.close_all()
