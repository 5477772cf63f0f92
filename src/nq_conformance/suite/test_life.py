"""LIFE: opening and closing providers and managers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import anyio

from nq_conformance.adapters import Capability
from nq_conformance.contract import JobInput
from nq_conformance.lab import Lab, ProviderUnderTest
from nq_conformance.suite.rules import rule


@rule("LIFE-01")
async def test_init_may_be_called_again_and_at_the_same_time(lab: Lab) -> None:
    """Five concurrent calls, a job, one more call: the job is still there."""
    provider = await lab.new_provider(init=False)
    async with lab.meanwhile(provider.init), lab.meanwhile(provider.init), lab.meanwhile(provider.init):
        await provider.init()
    queue = await lab.queue(provider=provider)
    id = await queue.add({"kept": True})
    await provider.init()
    lab.equal((await queue.job(id)).data, {"kept": True}, "after one more init, the job's data is", jobs=[id])


@rule("LIFE-01")
async def test_init_of_a_second_provider_leaves_what_the_first_has_stored(lab: Lab) -> None:
    """Where data is shared, a second start on the same place finds the job; else only the first."""
    queue = await lab.queue()
    id = await queue.add({"kept": True})
    second = await lab.new_provider()
    await second.init()
    await queue.job(id)
    if lab.claims(Capability.DURABLE) or lab.claims(Capability.DISTRIBUTED):
        there = await second.get_job(queue.name, id)
        lab.check(there is not None, "the second provider finds the job", "None", jobs=[id])


@rule("LIFE-03")
async def test_a_closed_provider_may_be_closed_again_and_refuses_everything_else(lab: Lab) -> None:
    """After close, each method raises an error that says closed."""
    provider = await lab.new_provider()
    queue = await lab.queue(provider=provider)
    id = await queue.add(1)
    await queue.job(id)
    await provider.close()
    await provider.close()
    for name, call in _calls_of(provider, queue.name, id):
        error = await lab.raises(call, f"{name}() after close()")
        _check_says_closed(lab, name, error)


@rule("LIFE-03")
async def test_a_closed_manager_may_be_closed_again_and_registers_nothing(lab: Lab) -> None:
    """After close_all, register_worker raises an error that says closed."""
    if not lab.adapter.has_workers:
        return
    manager = await lab.new_manager()
    queue = await lab.queue()
    handler = lab.handler()
    await queue.work(handler, manager=manager)
    await queue.add(1)
    await handler.finished()
    await manager.close_all()
    await manager.close_all()
    error = await lab.raises(
        manager.register_worker(queue.name, "other", handler),
        "register_worker() after close_all()",
    )
    _check_says_closed(lab, "register_worker", error)


@rule("LIFE-05")
async def test_close_all_waits_for_a_running_handler_and_records_its_result(lab: Lab) -> None:
    """A handler is at work when close_all is called; its job ends as completed."""
    gate, queue = lab.gate(), await lab.queue()
    handler = lab.handler(gate=gate)
    manager = await queue.work(handler)
    id = await queue.add("value")
    await handler.started()
    await _close_while(lab, manager.close_all, gate.open)
    lab.check(len(handler.ended) == 1, "close_all returns after the handler", "before it", jobs=[id])
    job = await queue.job(id)
    lab.equal((job.state, job.return_value), ("completed", "value"), "the job's state and result", jobs=[id])


@rule("LIFE-05")
async def test_close_all_records_the_failure_of_a_running_handler(lab: Lab) -> None:
    """The same for a handler that raises: its job ends as failed, with the reason."""
    gate, queue = lab.gate(), await lab.queue()

    async def fail(_: Any) -> None:
        raise RuntimeError("failed while closing")

    handler = lab.handler(fail, gate=gate)
    manager = await queue.work(handler)
    id = await queue.add()
    await handler.started()
    await _close_while(lab, manager.close_all, gate.open)
    job = await queue.job(id)
    lab.equal(
        (job.state, job.failed_reason),
        ("failed", "failed while closing"),
        "the job's state and reason",
        jobs=[id],
    )


@rule("LIFE-06")
async def test_close_all_leaves_the_backlog_waiting(lab: Lab) -> None:
    """One of five jobs runs when close_all is called; four are left for the next manager."""
    gate, queue = lab.gate(), await lab.queue()
    handler = lab.handler(gate=gate)
    ids = await queue.add_marked(1, 2, 3, 4, 5)
    manager = await queue.work(handler, concurrency=1)
    await handler.started()
    await _close_while(lab, manager.close_all, gate.open)
    lab.equal(handler.marks, [1], "jobs that were started before and during close_all", jobs=ids)
    states = [(await queue.job(id)).state for id in ids[1:]]
    lab.check(
        set(states) <= {"waiting", "paused"},
        "the other four jobs are waiting",
        ", ".join(states),
        jobs=ids,
    )
    heir = lab.handler(name="next manager's handler")
    await queue.work(heir, manager=await lab.new_manager())
    await heir.finished(4)
    lab.equal(sorted(heir.marks), [2, 3, 4, 5], "jobs that the next manager runs", jobs=ids)


async def _close_while(
    lab: Lab, close: Callable[[], Coroutine[Any, Any, Any]], then: Callable[[], None]
) -> None:
    """Call ``close``, and ``then``, which ends the running handler, once it is under way."""
    returned = False

    async def closing() -> None:
        nonlocal returned
        await close()
        returned = True

    async with lab.meanwhile(closing):
        for _ in range(20):  # turns of the event loop, so that close has begun in earnest
            await anyio.lowlevel.checkpoint()
        lab.check(
            not returned, "close_all waits for the running handler", "it returned while one was running"
        )
        then()


def _calls_of(provider: ProviderUnderTest, queue: str, id: str) -> Iterator[tuple[str, Awaitable[Any]]]:
    """Each call only when it is its turn: a coroutine that nobody awaits is a warning."""

    async def on() -> None:
        provider.on(queue, "waiting", lambda _: None)

    yield ("enqueue", provider.enqueue(queue, JobInput("job", 1)))
    yield ("schedule", provider.schedule(queue, JobInput("job", 1)))
    yield ("get_job", provider.get_job(queue, id))
    yield ("get_jobs", provider.get_jobs(queue))
    yield ("pause", provider.pause(queue))
    yield ("resume", provider.resume(queue))
    yield ("is_paused", provider.is_paused(queue))
    yield ("get_job_counts", provider.get_job_counts(queue))
    yield ("on", on())


def _check_says_closed(lab: Lab, name: str, error: Exception) -> None:
    told = f"{type(error).__name__}: {error}"
    lab.check("closed" in told.lower(), f"the error of {name}() says that it is closed", told)
