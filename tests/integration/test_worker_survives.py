"""What a worker gets through: errors out of nowhere, handlers that cancel themselves, closes cut short."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import anyio
import anyio.to_thread
import pytest
from waiting import within

from nq_conformance.contract import JobInput, ScheduleOptions, StepEvent
from nq_reference import MemoryProvider
from nq_reference.engine import worker as engine_worker
from nq_reference.sources.memory import MemorySource

BUDGET_S = 5.0
until = within(BUDGET_S)
on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])
pytestmark = pytest.mark.anyio


class Breaks:
    """An event manager whose own task is cancelled at the first event of a kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.broken = 0

    async def publish_bus(self, event: StepEvent) -> None:
        if event.type == self.kind and not self.broken:
            self.broken += 1
            raise asyncio.CancelledError


@pytest.fixture
async def provider() -> AsyncIterator[MemoryProvider]:
    """A provider that is closed at the end."""
    provider = MemoryProvider(close_timeout_ms=100)
    yield provider
    await provider.close()


async def _ends(provider: MemoryProvider, id: str, state: str) -> None:
    async def has_ended() -> bool:
        job = await provider.get_job("q", id)
        return job is not None and job.state == state

    await until(has_ended, f"job {id} is {state}")


async def _echo(data: Any, _: Any) -> Any:
    return data


@pytest.mark.parametrize("kind", ["step.started", "step.completed"])
async def test_an_event_manager_that_is_cancelled_costs_no_slot(provider: MemoryProvider, kind: str) -> None:
    events = Breaks(kind)
    manager = provider.worker_manager(events=events)
    await manager.register_worker("q", "job", _echo)
    for number in (1, 2):
        id = await provider.enqueue("q", JobInput("job", number))
        await _ends(provider, id, "completed")
    assert events.broken == 1


@on_asyncio
@pytest.mark.parametrize("awaits", [True, False])
async def test_a_handler_that_cancels_its_own_task_fails_and_costs_no_slot(
    provider: MemoryProvider, awaits: bool
) -> None:
    async def handler(data: Any, _: Any) -> Any:
        task = asyncio.current_task()
        if data == "bad" and task is not None:
            task.cancel()
            if awaits:
                await asyncio.sleep(0)
        return data

    manager = provider.worker_manager()
    await manager.register_worker("q", "job", handler)
    bad, good = [await provider.enqueue("q", JobInput("job", data)) for data in ("bad", "good")]
    await _ends(provider, bad, "failed")
    await _ends(provider, good, "completed")


async def test_a_series_whose_zone_is_unknown_here_holds_up_no_other() -> None:
    source = MemorySource()
    provider = _Open(source)
    await provider.init()
    await provider.schedule("q", JobInput("job", "good"), ScheduleOptions(cron="* * * * * *"))
    (good,) = await source.schedules("q")
    broken = replace(good, id="broken", tz="Mars/Olympus", next_at=await source.now() - 1)
    await source.put_schedule("q", broken)
    ran: list[Any] = []

    async def handler(data: Any, _: Any) -> None:
        ran.append(data)

    await provider.worker_manager().register_worker("q", "job", handler)

    async def has_run() -> bool:
        return bool(ran)

    await until(has_run, "the other series runs")
    assert [series.id for series in await source.schedules("q") if series.id == "broken"] == ["broken"]
    await provider.close()


async def test_a_series_that_can_not_run_here_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that comes while the worker rests from it begins all the same."""
    monkeypatch.setattr("nq_reference.engine.ticker.BROKEN_REST_MS", 3_600_000)
    source = MemorySource()
    provider = _Open(source)
    await provider.schedule("q", JobInput("job"), ScheduleOptions(cron="0 0 1 1 *"))
    (series,) = await source.schedules("q")
    broken = replace(series, id="broken", tz="Mars/Olympus", next_at=await source.now() - 1)
    await source.put_schedule("q", broken)
    await provider.worker_manager().register_worker("q", "job", _echo)
    for number in (1, 2):
        await _ends(provider, await provider.enqueue("q", JobInput("job", number)), "completed")
    await provider.close()


class _Open(MemoryProvider):
    def __init__(self, source: MemorySource) -> None:
        super().__init__(source=source)


async def test_closing_does_not_wait_for_a_thread_for_ever(
    provider: MemoryProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler is cancelled, and its thread does not hear of it."""
    monkeypatch.setattr(engine_worker, "SETTLE_TIMEOUT_S", 0.05)
    began, may_end = anyio.Event(), [False]

    def in_a_thread() -> None:
        until = time.monotonic() + 2 * BUDGET_S
        while not may_end[0] and time.monotonic() < until:
            time.sleep(0.01)

    async def handler(_: Any, __: Any) -> None:
        began.set()
        await anyio.to_thread.run_sync(in_a_thread)

    await provider.worker_manager().register_worker("q", "job", handler)
    await provider.enqueue("q", JobInput("job"))
    await began.wait()
    with anyio.fail_after(BUDGET_S):
        await provider.close()
    may_end[0] = True


async def test_a_close_that_was_cut_short_can_be_made_good(provider: MemoryProvider) -> None:
    """The second call waits for what the first has not done."""
    began, gate, ended = anyio.Event(), anyio.Event(), anyio.Event()

    async def handler(_: Any, __: Any) -> None:
        began.set()
        await gate.wait()
        ended.set()

    patient = MemoryProvider()
    await patient.worker_manager().register_worker("q", "job", handler)
    await patient.enqueue("q", JobInput("job"))
    await began.wait()
    with anyio.move_on_after(0.02):
        await patient.close()
    gate.set()
    await patient.close()
    assert ended.is_set()
    del provider
