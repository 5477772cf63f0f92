"""Jobs pass between BullMQProvider and Node applications, in both directions, with BullMQ 5 and 6."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bullmq_tools import QUEUE, Calls, NodePeer, job_in, until

from nq_conformance.contract import Backoff, Job, JobInput, JobOptions, ScheduleOptions
from nq_reference import BullMQProvider

pytest_plugins = ["bullmq_tools"]
pytestmark = [pytest.mark.anyio, pytest.mark.needs_node]
PAYLOADS: list[Any] = [
    None,
    [],
    {},
    "text with 🙂 and \u2028",
    {"nested": [1, 2.5, None, {"empty": {}}], "flowId": "f"},
    2**53 - 1,
]


@pytest.fixture
def anyio_backend() -> str:
    """BullMQ runs on asyncio alone."""
    return "asyncio"


async def test_a_job_added_by_node_runs_on_our_worker(bullmq: BullMQProvider, bullmq_peer: NodePeer) -> None:
    """The handler is given what Node added, and Node is given what the handler returned."""
    handler = Calls()
    await bullmq.worker_manager().register_worker(QUEUE, "greet", handler)
    id = await bullmq_peer.call("add", name="greet", data={"to": ["a", {}]})
    assert await bullmq_peer.call("outcome", id=id) == {"to": ["a", {}]}
    assert handler.data == [{"to": ["a", {}]}]


@pytest.mark.parametrize("data", PAYLOADS, ids=repr)
async def test_a_job_added_by_us_runs_on_a_node_worker(
    bullmq: BullMQProvider, bullmq_peer: NodePeer, data: Any
) -> None:
    """Node's worker is given the very payload, and what it returns is seen here."""
    await bullmq_peer.call("work")
    id = await bullmq.enqueue(QUEUE, JobInput("greet", data))
    job = await job_in(bullmq, id, "completed")
    assert job.return_value == {"name": "greet", "data": data}
    assert (await bullmq_peer.call("show", id=id))["data"] == data


async def test_node_retries_a_job_as_its_options_say(bullmq: BullMQProvider, bullmq_peer: NodePeer) -> None:
    """Attempts and backoff that were given here hold on a Node worker."""
    await bullmq_peer.call("work", fail="not yet", failures=2)
    opts = JobOptions(attempts=3, backoff=Backoff("exponential", 10))
    id = await bullmq.enqueue(QUEUE, JobInput("greet", 1, opts))
    job = await job_in(bullmq, id, "completed")
    assert (job.attempts_made, job.opts) == (3, opts)


async def test_node_sees_why_our_worker_failed_a_job(bullmq: BullMQProvider, bullmq_peer: NodePeer) -> None:
    """Reason, attempts and the handler's own stack are where Node's tools look for them."""

    async def explode(data: Any, ctx: Any) -> None:
        raise ValueError("no such address")

    await bullmq.worker_manager().register_worker(QUEUE, "greet", explode)
    id = await bullmq_peer.call("add", name="greet", data={}, opts={"attempts": 2})
    answer = await bullmq_peer.answer("outcome", id=id)
    assert answer.get("error") == "no such address"
    shown = await bullmq_peer.call("show", id=id)
    assert (shown["state"], shown["attemptsMade"]) == ("failed", 2)
    assert "in explode" in shown["stacktrace"][-1]


async def test_a_failure_in_node_is_seen_here(bullmq: BullMQProvider, bullmq_peer: NodePeer) -> None:
    """The reason is the error's exact message."""
    await bullmq_peer.call("work", fail="no such address")
    id = await bullmq.enqueue(QUEUE, JobInput("greet"))
    job = await job_in(bullmq, id, "failed")
    assert job.failed_reason == "no such address"


async def test_node_keeps_the_options_that_only_we_have(
    bullmq: BullMQProvider, bullmq_peer: NodePeer
) -> None:
    """A timeout is in the job's options, and its payload is untouched."""
    id = await bullmq.enqueue(QUEUE, JobInput("greet", {"a": 1}, JobOptions(timeout=1234)))
    shown = await bullmq_peer.call("show", id=id)
    assert (shown["opts"]["timeout"], shown["data"]) == (1234, {"a": 1})


async def test_events_of_a_node_worker_reach_our_subscribers(
    bullmq: BullMQProvider, bullmq_peer: NodePeer
) -> None:
    """A completion in Node is told here, with the decoded result."""
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    subscription = bullmq.on(QUEUE, "completed", told.put_nowait)
    await subscription.ready()  # type: ignore[attr-defined]
    await bullmq_peer.call("work")
    id = await bullmq_peer.call("add", name="greet", data=[1])
    async with asyncio.timeout(20):
        assert await told.get() == {"job_id": id, "return_value": {"name": "greet", "data": [1]}}


async def test_a_pause_by_node_holds_our_worker(bullmq: BullMQProvider, bullmq_peer: NodePeer) -> None:
    """It is seen here, and the backlog runs once Node resumes the queue."""
    await bullmq_peer.call("pause")
    assert await bullmq.is_paused(QUEUE)
    id = await bullmq_peer.call("add", name="greet", data=1)
    handler = Calls()
    await bullmq.worker_manager().register_worker(QUEUE, "greet", handler)
    assert (await bullmq.get_job_counts(QUEUE)).waiting == 1
    assert handler.data == []
    await bullmq_peer.call("resume")
    await job_in(bullmq, id, "completed")


async def test_a_pause_by_us_holds_a_node_worker(bullmq: BullMQProvider, bullmq_peer: NodePeer) -> None:
    """It is seen there, and the backlog runs once we resume the queue."""
    await bullmq.pause(QUEUE)
    assert await bullmq_peer.call("isPaused") is True
    await bullmq_peer.call("work")
    id = await bullmq_peer.call("add", name="greet", data=1)
    job = await bullmq.get_job(QUEUE, id)
    assert job is not None
    assert job.state == "waiting"
    await bullmq.resume(QUEUE)
    await job_in(bullmq, id, "completed")


async def test_a_series_made_here_goes_on_in_node(bullmq: BullMQProvider, bullmq_peer: NodePeer) -> None:
    """Node's worker makes each run and adds the one after it."""
    id = await bullmq.schedule(QUEUE, JobInput("tick", {"n": 1}), ScheduleOptions(cron="* * * * * *"))
    assert [each["key"] for each in await bullmq_peer.call("schedulers")] == [id]
    await bullmq_peer.call("work")

    async def two_runs() -> bool:
        return (await bullmq.get_job_counts(QUEUE)).completed >= 2

    await until(two_runs, "two runs of the series")
    assert {job.name for job in await bullmq.get_jobs(QUEUE)} == {"tick"}


async def test_a_series_made_by_node_goes_on_here(bullmq: BullMQProvider, bullmq_peer: NodePeer) -> None:
    """Our worker makes each run and adds the one after it, and the series is listed here."""
    repeat = {"pattern": "* * * * * *"}
    await bullmq_peer.call(
        "upsertScheduler", id="ticks", repeat=repeat, template={"name": "tick", "data": {"n": 1}}
    )
    [series] = await bullmq.get_scheduled_jobs(QUEUE)
    assert (series.id, series.name, series.pattern) == ("ticks", "tick", "* * * * * *")
    handler = Calls()
    await bullmq.worker_manager().register_worker(QUEUE, "tick", handler)
    await handler.reach(2)
    assert handler.data[:2] == [{"n": 1}, {"n": 1}]


async def test_node_counts_our_worker(bullmq: BullMQProvider, bullmq_peer: NodePeer) -> None:
    """Our worker's connection has the name that Node's getWorkers looks for."""
    await bullmq.worker_manager().register_worker(QUEUE, "greet", Calls())

    async def counted() -> int:
        found: int = await bullmq_peer.call("workers")
        return found

    assert await until(counted, "a worker that Node counts") >= 1


async def test_jobs_of_all_states_of_node_are_counted_once(
    bullmq: BullMQProvider, bullmq_peer: NodePeer
) -> None:
    """Plain, prioritized and delayed jobs are waiting, waiting and delayed."""
    for opts in ({}, {"priority": 5}, {"delay": 600_000}):
        await bullmq_peer.call("add", name="greet", data={}, opts=opts)

    async def all_jobs() -> list[Job]:
        return list(await bullmq.get_jobs(QUEUE))

    assert [job.state for job in await all_jobs()] == ["waiting", "waiting", "delayed"]
    counts = await bullmq.get_job_counts(QUEUE)
    assert (counts.waiting, counts.delayed) == (2, 1)


@pytest.mark.parametrize("bullmq_peer", ["bullmq5"], indirect=True)
async def test_a_node_application_that_can_lose_our_jobs_is_warned_of(
    bullmq: BullMQProvider, bullmq_peer: NodePeer, caplog: pytest.LogCaptureFixture
) -> None:
    """BullMQ 5 drops jobs of others when it resumes a queue; the log says so, once."""
    await bullmq_peer.call("add", name="greet", data={})
    for _ in range(2):
        await bullmq.enqueue(QUEUE, JobInput("greet"))
    warnings = [line for line in caplog.messages if "bullmq:5" in line]
    assert len(warnings) == 1


@pytest.mark.parametrize("bullmq_peer", ["bullmq6"], indirect=True)
async def test_jobs_added_to_a_queue_that_node_has_paused_outlive_its_resume(
    bullmq: BullMQProvider, bullmq_peer: NodePeer
) -> None:
    """With BullMQ 6 nothing is lost, whoever added it."""
    await bullmq_peer.call("pause")
    ours = await bullmq.enqueue(QUEUE, JobInput("greet", 1))
    theirs = await bullmq_peer.call("add", name="greet", data=2)
    await bullmq_peer.call("resume")
    assert {job.id for job in await bullmq.get_jobs(QUEUE)} == {ours, theirs}
