"""What flows keep: state exactly and apart, events by flow and in order, on every backend."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import asyncpg
import pytest
from flow_tools import BUDGET_S, Values
from redis.asyncio import Redis

from nq_conformance.contract import ClosedError, InvalidJobError, StepEvent
from nq_reference.factory import adapter_config
from nq_reference.stores import Stores, create_stores

pytest_plugins = ["flow_tools"]
pytestmark = pytest.mark.anyio

VALUES = {
    "nothing": None,
    "text": "a\u0000b\u2028\U0001f600",
    "float": 1.0,
    "large": 2**70 + 1,
    "empty": [{}, [], ""],
    "order": {"z": 1, "a": {"y": False, "b": -0.0}},
}


@pytest.fixture
def anyio_backend() -> str:
    """The clients of servers run on asyncio alone."""
    return "asyncio"


@pytest.fixture
async def stores(adapter_values: Values) -> AsyncIterator[Stores]:
    """Open stores."""
    made = await opened(adapter_values)
    yield made
    await closed(made)


async def opened(values: Values) -> Stores:
    made = create_stores(adapter_config(values))
    await made.state.open()
    await made.events.open()
    return made


async def closed(made: Stores) -> None:
    await made.events.close()
    await made.state.close()


def event(flow: str, number: int) -> StepEvent:
    return StepEvent("log", flow, "shop", "pay", f"{flow}__pay__attempt-1", 1, {"number": number})


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[StepEvent] = []
        self._more = anyio.Event()

    def __call__(self, event: StepEvent) -> None:
        self.events.append(event)
        self._more.set()

    async def first(self, count: int) -> list[StepEvent]:
        """The first ``count`` events, once there are so many."""
        with anyio.fail_after(BUDGET_S):
            while len(self.events) < count:
                self._more = anyio.Event()
                await self._more.wait()
        return self.events[:count]


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
async def test_a_value_comes_back_exactly(stores: Stores, value: Any) -> None:
    """Types, order of keys and every character, also where text columns take no NUL."""
    await stores.state.set("flow:key", value)
    found = await stores.state.get("flow:key")
    assert repr(found) == repr(value)


async def test_a_missing_key_is_none_and_a_deleted_one_is_missing(stores: Stores) -> None:
    """Deleting what isn't there is no error."""
    await stores.state.delete("flow:key")
    assert await stores.state.get("flow:key") is None
    await stores.state.set("flow:key", 1)
    await stores.state.set("flow:key", 2)
    assert await stores.state.get("flow:key") == 2
    await stores.state.delete("flow:key")
    assert await stores.state.get("flow:key") is None


async def test_the_keys_of_flows_and_of_different_case_are_apart(stores: Stores) -> None:
    """Nothing is folded, trimmed or joined."""
    keys = ["a:key", "b:key", "A:key", "a:Key", "a:key ", "a%3Akey", "a:k:ey"]
    for key in keys:
        await stores.state.set(key, key)
    assert [await stores.state.get(key) for key in keys] == keys
    await stores.state.delete("a:key")
    assert [await stores.state.get(key) for key in keys[1:]] == keys[1:]


@pytest.mark.parametrize(
    "key", ["", "a\0b", "\ud800", "k" * 2_001], ids=["empty", "NUL", "surrogate", "long"]
)
async def test_a_key_that_some_backend_could_not_keep_is_refused_by_all(stores: Stores, key: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidJobError, match="a key of state"):
        await stores.state.set(key, 1)


async def test_what_is_no_json_is_refused_and_leaves_the_old_value(stores: Stores) -> None:
    """As with a job's payload."""
    await stores.state.set("flow:key", 1)
    with pytest.raises(InvalidJobError, match="the value"):
        await stores.state.set("flow:key", {1: 2})  # type: ignore[dict-item]
    assert await stores.state.get("flow:key") == 1


async def test_the_history_of_a_flow_is_its_events_in_order(stores: Stores) -> None:
    """Those of other flows, published in between, are not among them."""
    for number in range(20):
        await stores.events.publish_bus(event(("one", "two")[number % 2], number))
    assert await stores.events.history("one") == [event("one", number) for number in range(0, 20, 2)]
    assert await stores.events.history("none") == []


async def test_what_a_handler_logged_need_not_be_json(stores: Stores) -> None:
    """It is kept by its repr; the rest is kept as it is."""
    data = {"message": "x", "metadata": {1, 2}, "level": "info"}
    await stores.events.publish_bus(StepEvent("log", "a\0b", "shop", "pay", "id", None, data))
    (kept,) = await stores.events.history("a\0b")
    assert kept.data == {"message": "x", "metadata": "{1, 2}", "level": "info"}
    assert kept.attempt is None


async def test_a_subscriber_hears_all_that_comes_after_and_nothing_before(stores: Stores) -> None:
    """In the order of publishing, of all flows or of one, until it unsubscribes."""
    await stores.events.publish_bus(event("one", 0))
    everything, one = Heard(), Heard()
    await stores.events.subscribe(everything)
    unsubscribe = await stores.events.subscribe(one, "one")
    for number in range(1, 7):
        await stores.events.publish_bus(event(("one", "two")[number % 2], number))
    assert [each.data["number"] for each in await everything.first(6)] == [1, 2, 3, 4, 5, 6]
    assert [each.data["number"] for each in await one.first(3)] == [2, 4, 6]
    unsubscribe()
    unsubscribe()
    await stores.events.publish_bus(event("one", 8))
    await everything.first(7)
    assert len(one.events) == 3


async def test_a_listener_that_raises_keeps_nobody_from_hearing(stores: Stores) -> None:
    """Not the other listeners, not the publisher, not itself the next time."""
    heard = Heard()

    def broken(event: StepEvent) -> None:
        heard(event)
        raise RuntimeError("broken listener")

    await stores.events.subscribe(broken)
    await stores.events.publish_bus(event("one", 1))
    await stores.events.publish_bus(event("one", 2))
    assert len(await heard.first(2)) == 2


async def test_who_comes_after_the_last_has_gone_hears_each_event_once(stores: Stores) -> None:
    """One reader at a time tells, also while the one before has yet to end."""
    heard = Heard()
    for number in range(10):
        unsubscribe = await stores.events.subscribe(heard)
        await stores.events.publish_bus(event("one", number))
        await heard.first(number + 1)
        unsubscribe()
    await stores.events.subscribe(heard)
    await stores.events.publish_bus(event("one", 10))
    await heard.first(11)
    assert [each.data["number"] for each in heard.events] == list(range(11))


@pytest.mark.parametrize("adapter_values", ["redis", "postgres"], indirect=True)
async def test_a_subscriber_goes_on_when_all_connections_were_cut(
    stores: Stores, adapter_values: Values
) -> None:
    """It misses nothing that is published after that; state is there as well (FLT-03)."""
    heard = Heard()
    await stores.events.subscribe(heard)
    await stores.events.publish_bus(event("one", 1))
    await stores.state.set("flow:key", 1)
    await heard.first(1)
    await cut_all(adapter_values)
    await stores.events.publish_bus(event("one", 2))
    assert [each.data["number"] for each in await heard.first(2)] == [1, 2]
    assert await stores.state.get("flow:key") == 1


async def cut_all(values: Values) -> None:
    """The server ends every connection but the one that asks it to."""
    if values["adapter"] == "redis":
        client = Redis.from_url(values["url"])
        await client.client_kill_filter(_type="normal", skipme=True)
        await client.aclose()
    else:
        connection = await asyncpg.connect(values["url"])
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        await connection.close()


async def test_publishers_at_the_same_time_lose_nothing(stores: Stores) -> None:
    """A subscriber hears each event once, in the order in which history has them."""
    heard = Heard()
    await stores.events.subscribe(heard)
    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(stores.events.publish_bus, event("one", number))
    told = await heard.first(50)
    assert sorted(each.data["number"] for each in told) == list(range(50))
    assert told == await stores.events.history("one")


async def test_a_closed_store_says_so(stores: Stores) -> None:
    """And closing again does nothing."""
    await closed(stores)
    await closed(stores)
    with pytest.raises(ClosedError, match="closed"):
        await stores.state.get("flow:key")
    with pytest.raises(ClosedError, match="closed"):
        await stores.events.history("one")


@pytest.mark.parametrize("adapter_values", ["file", "sqlite", "redis", "postgres"], indirect=True)
async def test_another_opening_finds_what_was_kept(stores: Stores, adapter_values: Values) -> None:
    """State and history outlive who wrote them; a subscriber hears what others publish."""
    await stores.state.set("flow:key", [1])
    await stores.events.publish_bus(event("one", 1))
    other = await opened(adapter_values)
    heard = Heard()
    await other.events.subscribe(heard)
    await stores.events.publish_bus(event("one", 2))
    assert await heard.first(1) == [event("one", 2)]
    assert await other.state.get("flow:key") == [1]
    assert await other.events.history("one") == [event("one", 1), event("one", 2)]
    await closed(other)


@pytest.mark.parametrize("adapter_values", ["sqlite", "redis", "postgres"], indirect=True)
async def test_namespaces_are_apart(stores: Stores, adapter_values: Values) -> None:
    """One server, two prefixes or schemas."""
    namespace = "schema" if adapter_values["adapter"] == "postgres" else "prefix"
    other = await opened({**adapter_values, namespace: f"{adapter_values.get(namespace, 'x')}2"})
    await stores.state.set("flow:key", 1)
    await stores.events.publish_bus(event("one", 1))
    assert await other.state.get("flow:key") is None
    assert await other.events.history("one") == []
    await closed(other)


async def test_many_open_at_once(adapter_values: Values) -> None:
    """Processes of one application start together; one of them makes the tables."""
    made: list[Stores] = []

    async def open_one() -> None:
        made.append(await opened(adapter_values))

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(open_one)
    for each in made:
        await closed(each)
    assert len(made) == 4
