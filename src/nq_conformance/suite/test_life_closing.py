"""LIFE: closing providers and managers, and what is left of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import anyio
import pytest

from nq_conformance.adapters import Capability
from nq_conformance.contract import JobInput, QueueEvent, ScheduleOptions
from nq_conformance.lab import Lab, ProviderUnderTest, Queue
from nq_conformance.lab.queue import is_ready
from nq_conformance.suite.later import let_fall_due
from nq_conformance.suite.leftovers import Living
from nq_conformance.suite.rules import rule
from nq_conformance.violation import Inconclusive

EVENTS: tuple[QueueEvent, ...] = ("waiting", "active", "delayed", "completed", "failed")
SOON_MS, LATER_MS = 200, 500
SLOW_MS = 5


@rule("LIFE-03")
async def test_a_closed_provider_may_be_closed_again_and_refuses_everything_else(lab: Lab) -> None:
    """After close, each method raises an error that says closed."""
    provider = await lab.new_provider()
    queue = await lab.queue(provider=provider)
    id = await queue.add(1)
    await provider.close()
    await provider.close()
    for name, call in _calls_of(lab, provider, queue.name, id):
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


@rule("LIFE-04")
async def test_closing_is_not_held_up_by_a_paused_queue_with_a_backlog(lab: Lab) -> None:
    """Waiting and delayed jobs behind a pause, an idle worker: close_all and close return."""
    queue = await lab.queue()
    handler = lab.handler()
    manager = await queue.work(handler, concurrency=2)
    await queue.add({"n": "before"})
    await handler.finished(1)
    await queue.pause()
    for delay in (0, 0, 0, 1, 60_000):
        await queue.add({"n": "backlog"}, delay=delay)
    await manager.close_all()
    await queue.provider.close()


@rule("LIFE-04")
async def test_closing_waits_for_a_running_handler_only_when_its_queue_is_paused(lab: Lab) -> None:
    """A job is running when the pause comes, with a backlog behind it: it ends, and close_all returns."""
    gate, queue = lab.gate(), await lab.queue()
    handler = lab.handler(gate=gate)
    manager = await queue.work(handler)
    id = await queue.add({"n": 1})
    await handler.started()
    await queue.pause()
    await queue.add_marked(2, 3)
    await _close_while(lab, manager.close_all, gate.open)
    lab.equal((await queue.job(id)).state, "completed", "state of the job that was running", jobs=[id])
    await queue.provider.close()


@rule("LIFE-05")
async def test_close_all_waits_for_a_running_handler_and_records_its_result(lab: Lab) -> None:
    """A handler is at work when close_all is called, and for half a second after that; its job ends as
    completed."""
    await lab.manager()  # the first manager runs what shows that time has passed, so another one is closed
    gate, queue = lab.gate(), await lab.queue()
    handler = lab.handler(gate=gate)
    manager = await queue.work(handler, manager=await lab.new_manager())
    id = await queue.add("value")
    await handler.started()
    await _close_while(lab, manager.close_all, gate.open, after_ms=LATER_MS)
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


@rule("LIFE-07")
async def test_a_job_that_is_claimed_just_as_closing_starts_is_not_left_active(lab: Lab) -> None:
    """Again and again a job comes to an idle worker, and close_all a few turns of the event loop later;
    where a server keeps the jobs, all it is asked and answers takes a while."""
    place = lab.setting
    if place.url is not None or place.dsn is not None:
        with suppress(Inconclusive):  # where no proxy can be put between, it is as fast as it is
            proxy, place = await lab.proxied()
            proxy.slow_down(SLOW_MS)
    provider = await lab.new_provider(setting=place)
    left: dict[str, Queue] = {}
    for turns in range(30):
        queue = await lab.queue(provider=provider)
        manager = await lab.new_manager(provider, setting=place)
        handler = lab.handler()
        await queue.work(handler, manager=manager)
        id = await queue.add({"n": turns})
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()
        await manager.close_all()
        state = (await queue.job(id)).state
        wanted = "completed" if handler.runs else "waiting"
        what = f"after close_all, called {turns} turns after enqueue, the job is {wanted}"
        lab.check(state == wanted, what, state, jobs=[id])
        if state == "waiting":
            left[id] = queue
    heir = lab.handler(name="next manager's handler")
    manager = await lab.new_manager(provider, setting=place)
    for number, (id, queue) in enumerate(left.items(), start=1):
        await queue.work(heir, manager=manager)
        await heir.finished(number)
        await queue.reaches(id, "completed")
    lab.equal(len(heir.runs), len(left), "runs of the jobs that were put back", jobs=list(left))


@rule("LIFE-08")
@pytest.mark.usefixtures("nq_quiet")
async def test_close_leaves_nothing_behind(lab: Lab) -> None:
    """After work of every kind, tasks, timers, threads, connections and children are those of before init."""
    if not lab.can_see("what lives in its process after close()"):
        return
    server = lab.setting.url
    before = Living.now(server)
    provider = await lab.new_provider()
    queue = await lab.queue(provider=provider)
    await _use_everything(lab, queue)
    if lab.adapter.has_workers:
        await (await lab.manager()).close_all()
    await provider.close()

    async def nothing_left() -> bool:
        return not Living.now(server).since(before)

    await lab.eventually(
        nothing_left,
        expected="after close(), nothing lives in this process that did not before the provider was made",
        seen=lambda: "; ".join(Living.now(server).since(before)) or "nothing any more",
    )


@rule("LIFE-08")
async def test_nothing_is_called_after_close(lab: Lab) -> None:
    """A closed provider's callbacks and handlers stay silent when a delayed job falls due and another
    provider works on the same queue."""
    provider = await lab.new_provider()
    queue = await lab.queue(provider=provider)
    logs = [await queue.listen(event) for event in EVENTS]
    handler = lab.handler(name="closed manager's handler")
    managers = [await queue.work(handler)] if lab.adapter.has_workers else []
    await queue.add({"n": "before"})
    await logs[0].heard(1)
    await queue.add({"n": "late"}, delay=SOON_MS)
    for manager in managers:
        await manager.close_all()
    await provider.close()
    heard = {log.event: len(log.payloads) for log in logs}
    runs = handler.marks
    await _work_on(lab, queue.name)
    lab.equal(
        {log.event: len(log.payloads) for log in logs}, heard, "events that callbacks heard, after close()"
    )
    lab.equal(handler.marks, runs, "runs of the closed manager's handler, by mark")


async def _use_everything(lab: Lab, queue: Queue) -> None:
    """Listen, enqueue, delay, repeat, query, pause, and run a job where there are workers."""
    for event in EVENTS:
        await queue.listen(event)
    if lab.adapter.has_workers:
        handler = await queue.handled(concurrency=3)
        await queue.add({"n": 1})
        await handler.finished(1)
    if lab.claims(Capability.CRON):
        await queue.schedule("yearly", ScheduleOptions(cron="0 0 1 1 *"))
    for delay in (SOON_MS, 60_000):
        await queue.add("delayed", delay=delay)
    other = await lab.queue(provider=queue.provider)
    await other.pause()
    await other.add("held")
    await other.ids()


async def _work_on(lab: Lab, name: str) -> None:
    """Have another provider, with a worker of its own, work on the queue until what was delayed is due."""
    queue = await lab.queue(name, await lab.new_provider())
    if lab.adapter.has_workers:
        heir = lab.handler(name="next manager's handler")
        await queue.work(heir, manager=await lab.new_manager(queue.provider))
        await queue.add({"n": "control"}, delay=LATER_MS)
        await lab.sees(
            lambda: "control" in heir.marks,
            expected=f"a job delayed by {LATER_MS} ms runs, with the next provider and manager",
            seen=lambda: f"runs: {heir.marks}",
        )
    else:
        waiting = await queue.listen("waiting")
        await queue.add({"n": "control"})
        await waiting.heard(1)


async def _close_while(
    lab: Lab, close: Callable[[], Coroutine[Any, Any, Any]], then: Callable[[], None], *, after_ms: int = 0
) -> None:
    """Call ``close``, and ``then``, which ends the running handler, once it is under way.

    With ``after_ms``, only when so much time has passed: then the test's first manager stays open.
    """
    returned = False

    async def closing() -> None:
        nonlocal returned
        await close()
        returned = True

    async with lab.meanwhile(closing):
        for _ in range(20):  # turns of the event loop, so that close has begun in earnest
            await anyio.lowlevel.checkpoint()
        what, seen = "close_all waits for the running handler", "it returned while one was running"
        lab.check(not returned, what, seen)
        if after_ms:
            await let_fall_due(lab, after_ms)
            lab.check(not returned, f"{what}, also one that goes on for {after_ms} ms", seen)
        then()


def _calls_of(
    lab: Lab, provider: ProviderUnderTest, queue: str, id: str
) -> Iterator[tuple[str, Awaitable[Any]]]:
    """Each call only when it is its turn: a coroutine that nobody awaits is a warning."""

    async def on() -> None:
        unsubscribe = provider.on(queue, "waiting", lambda _: None)
        if not lab.adapter.shares_objects:  # the error of another process comes later
            await is_ready(lab, unsubscribe)

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
