"""The flow engine: triggers become jobs of those that subscribe, on any provider."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from flow_tools import Values

from nq_conformance.contract import InvalidJobError, QueueError, QueueProvider
from nq_reference.factory import create_provider
from nq_reference.flow import FlowStep, QueueFlowEngine

pytest_plugins = ["flow_tools"]
pytestmark = pytest.mark.anyio

STEPS = [
    FlowStep("mail", "receipt", "shop", ("paid",)),
    FlowStep("books", "enter", "shop", ("paid", "refunded")),
    FlowStep("shop", "pay", "shop", entry=True),
]


@pytest.fixture
def anyio_backend() -> str:
    """The clients of servers run on asyncio alone."""
    return "asyncio"


@pytest.fixture
async def provider(adapter_values: Values) -> AsyncIterator[QueueProvider]:
    """An open provider."""
    made = create_provider(adapter_values)
    await made.init()
    yield made
    await made.close()


async def test_a_trigger_starts_each_step_that_subscribes(provider: QueueProvider) -> None:
    """The payload is the data of each job; the ids come back in the order of queue and name."""
    engine = QueueFlowEngine(provider, STEPS)
    ids = await engine.emit("paid", {"flow_id": "f", "amount": 5})
    found = [await provider.get_job(queue, id) for queue, id in zip(("books", "mail"), ids, strict=True)]
    assert [job and (job.name, job.data) for job in found] == [
        ("enter", {"flow_id": "f", "amount": 5}),
        ("receipt", {"flow_id": "f", "amount": 5}),
    ]


async def test_a_trigger_nobody_subscribes_to_starts_nothing(provider: QueueProvider) -> None:
    """Names are compared exactly, and it is no error."""
    engine = QueueFlowEngine(provider, STEPS)
    assert await engine.emit("Paid", {}) == []
    assert (await provider.get_job_counts("mail")).waiting == 0


async def test_a_payload_that_cannot_be_kept_is_the_emitters_error(provider: QueueProvider) -> None:
    """It reaches the handler that emitted (CTX-05)."""
    with pytest.raises(InvalidJobError, match="data"):
        await QueueFlowEngine(provider, STEPS).emit("paid", {"when": object()})


async def test_a_flow_begins_at_its_entry(provider: QueueProvider) -> None:
    """With an id of its own, by which its state and history are found."""
    engine = QueueFlowEngine(provider, STEPS)
    first = await engine.start("shop", {"amount": 5})
    second = await engine.start("shop")
    data = [job.data for job in await provider.get_jobs("shop")]
    assert data == [
        {"amount": 5, "flow_id": first, "flow_name": "shop"},
        {"flow_id": second, "flow_name": "shop"},
    ]
    assert first != second


async def test_a_flow_without_an_entry_is_named_with_those_that_have_one(provider: QueueProvider) -> None:
    """Rather than a flow that never begins."""
    with pytest.raises(QueueError, match="no step is the entry of a flow 'shpo'; flows with an entry: shop"):
        await QueueFlowEngine(provider, STEPS).start("shpo")
