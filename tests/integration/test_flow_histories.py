"""Histories of flows end: after their time or beyond their number, and nobody has to wait for that."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
from flow_tools import Values, until
from redis.asyncio import Redis

from nq_conformance.contract import StepEvent
from nq_reference.events import wire
from nq_reference.events.base import StepEvents
from nq_reference.events.forgetting import PORTION
from nq_reference.events.tables import HISTORY_MS, TableEvents
from nq_reference.factory import adapter_config
from nq_reference.stores import create_stores

pytest_plugins = ["flow_tools"]
pytestmark = pytest.mark.anyio

HOUR_MS = 3_600_000
OLD_EVENTS = """
WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < $1)
INSERT INTO nq.step_event (flow, event, at) SELECT 'old', $2, n + CAST($3 AS bigint) FROM counted
"""

IN_TABLES = pytest.mark.parametrize("adapter_values", ["file", "sqlite", "postgres"], indirect=True)
BY_NUMBER = pytest.mark.parametrize("adapter_values", ["memory", "redis", "bullmq"], indirect=True)
ON_REDIS = pytest.mark.parametrize("adapter_values", ["redis", "bullmq"], indirect=True)


@pytest.fixture
def anyio_backend() -> str:
    """The clients of servers run on asyncio alone."""
    return "asyncio"


@asynccontextmanager
async def events_of(values: Values) -> AsyncIterator[StepEvents]:
    """The event manager of an adapter, open."""
    async with unopened(values) as events:
        await events.open()
        yield events


@asynccontextmanager
async def unopened(values: Values) -> AsyncIterator[StepEvents]:
    """The same before it is opened; it is closed at the end."""
    stores = create_stores(adapter_config(values))
    try:
        yield stores.events
    finally:
        await stores.events.close()
        await stores.state.close()


def event(flow: str, number: int = 0) -> StepEvent:
    return StepEvent("log", flow, "shop", "pay", f"{flow}__pay__attempt-1", 1, {"number": number})


async def leave_old_events(values: Values, count: int, at: int) -> None:
    """Events of the flow ``old``, from ``at`` on, left by one to whom they are not too old."""
    async with events_of({**values, "history_ms": 2 * HISTORY_MS}) as events:
        await cast("TableEvents", events)._tables.rows(OLD_EVENTS, count, wire.encode(event("old")), at)


def portions_of(events: TableEvents) -> list[int]:
    """How many are forgotten each time, as it goes on."""
    portions: list[int] = []
    forget = events._forgetting._forget

    async def counted() -> int:
        portions.append(await forget())
        return portions[-1]

    events._forgetting._forget = counted
    return portions


@IN_TABLES
async def test_what_is_too_old_is_forgotten_a_portion_at_a_time(adapter_values: Values) -> None:
    """By whoever opens, and nothing else with it, while others publish."""
    age_ms = HISTORY_MS + HOUR_MS
    await leave_old_events(adapter_values, 3 * PORTION + 1, time.time_ns() // 1_000_000 - age_ms)
    async with unopened(adapter_values) as events:
        portions = portions_of(cast("TableEvents", events))
        await events.open()

        async def enough() -> bool:
            await events.publish_bus(event("new"))
            return len(portions) == 4

        await until(enough, "the old events are forgotten")
        assert portions == [PORTION, PORTION, PORTION, 1]
        assert await events.history("old") == []
        assert len(await events.history("new")) >= 1


@IN_TABLES
async def test_how_long_an_event_is_kept_is_an_option(adapter_values: Values) -> None:
    """``history_ms``, beside the options of the queues."""
    await leave_old_events(adapter_values, 1, time.time_ns() // 1_000_000 - HOUR_MS)
    async with events_of(adapter_values) as events:
        assert len(await events.history("old")) == 1
    async with events_of({**adapter_values, "history_ms": HOUR_MS // 2}) as events:

        async def gone() -> bool:
            return not await events.history("old")

        await until(gone, "the old event is forgotten")


@BY_NUMBER
async def test_the_flows_that_had_an_event_last_are_kept(adapter_values: Values) -> None:
    """So many as ``history_flows`` says, however many jobs are flows of their own."""
    async with events_of({**adapter_values, "history_flows": 3}) as events:
        for flow in ("a", "b", "c", "d", "b", "e"):
            await events.publish_bus(event(flow))
        kept = [len(await events.history(flow)) for flow in "abcde"]
    assert kept == [0, 2, 0, 1, 1]


@ON_REDIS
async def test_a_server_that_keeps_more_flows_than_are_wanted_is_cleared_by_and_by(
    adapter_values: Values,
) -> None:
    """Some with each event, until there are as few as the option says now."""
    async with events_of(adapter_values) as events:
        for number in range(250):
            await events.publish_bus(event(f"old-{number}"))
    async with events_of({**adapter_values, "history_flows": 2}) as events:
        for _ in range(3):
            await events.publish_bus(event("new"))
    keys = await keys_of(adapter_values)
    assert len(keys) == 4, "the stream of all events, the list of flows, and two flows"


@ON_REDIS
async def test_nothing_of_a_flow_outlives_its_time_on_the_server(adapter_values: Values) -> None:
    """``history_ms`` after the last event the server itself lets go of it."""
    async with events_of({**adapter_values, "history_ms": HOUR_MS}) as events:
        await events.publish_bus(event("one"))
    lives = await keys_of(adapter_values)
    shared = [key for key, life in lives.items() if life == -1]
    assert len(shared) == 1, "the stream of all events has no end, but a length"
    assert all(0 < life <= HOUR_MS for key, life in lives.items() if key not in shared)


async def keys_of(values: Values) -> dict[str, int]:
    """The keys of step events under a prefix, and how long each has yet to live, in ms; -1 for ever."""
    async with Redis.from_url(values["url"], decode_responses=True) as client:
        names = [key async for key in client.scan_iter(match=f"nq-events:{{{values['prefix']}}}*")]
        return {name: await client.pttl(name) for name in names}
