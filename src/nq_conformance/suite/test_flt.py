"""FLT: backends that go away and come back, connections that break or go dead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from nq_conformance.contract import JobInput, ScheduleOptions
from nq_conformance.lab import Lab, Queue, Run
from nq_conformance.lab.queue import JOB
from nq_conformance.suite.ends import tell, with_sessions
from nq_conformance.suite.outage import RECONNECT, RECOVER, Outage, outage_of, outcome
from nq_conformance.suite.recovering import (
    QUICK_LOCKS,
    add_when_back,
    all_run,
    hears_of_another,
    stay_away,
    while_others_time_out,
)
from nq_conformance.suite.rules import rule


@rule("FLT-01")
async def test_every_call_raises_when_connections_are_refused(lab: Lab) -> None:
    """Calls of a provider that was connected, all at once; then a provider that never was."""
    async with outage_of(lab) as outage:
        queue, id = await _working_queue(lab, outage)
        await outage.begin()
        returned = await _check_calls_raise(lab, outage, queue, id)
        fresh = await lab.new_provider(setting=outage.setting, init=False)
        failed, seen = await outcome(lab, "init", fresh.raw.init)
        if not failed and outage.is_server:  # it may connect with the first call
            failed, seen = await outcome(
                lab, "enqueue", lambda: fresh.raw.enqueue(queue.name, JobInput(JOB, "in vain"))
            )
            lab.check(failed, "init, or else the first call, raises when connections are refused", seen)
        await outage.end()
        await _check_stored(lab, queue, returned)


@rule("FLT-01")
@while_others_time_out
async def test_every_call_raises_when_the_backend_is_silent(lab: Lab) -> None:
    """The connections stay open, and nothing comes over them."""
    async with outage_of(lab) as outage:
        queue, id = await _working_queue(lab, outage)
        await outage.silence()
        returned = await _check_calls_raise(lab, outage, queue, id)
        await outage.end()
        await _check_stored(lab, queue, returned)


@rule("FLT-02")
async def test_an_idle_worker_goes_on_when_its_connections_were_cut(lab: Lab) -> None:
    """Three times; each time, a job comes from elsewhere."""
    async with outage_of(lab) as outage:
        queue, beside, manager = await outage.worker()
        handler = lab.handler()
        await queue.work(handler, manager=manager, **QUICK_LOCKS)
        for number in range(1, 5):
            id = await beside.add({"n": number})
            await all_run(lab, handler_marks=lambda: handler.marks, wanted=range(1, number + 1))
            await beside.reaches(id, "completed", budget=RECONNECT)
            await outage.cut()


@rule("FLT-02")
async def test_a_busy_worker_goes_on_when_its_connections_were_cut(lab: Lab) -> None:
    """In the middle of forty jobs, three times. Each is completed in the end, whatever was lost."""
    async with outage_of(lab) as outage:
        queue, beside, manager = await outage.worker()

        async def body(run: Run) -> None:
            if run.number in (5, 15, 25):
                await outage.cut()

        handler = lab.handler(body)
        ids = await beside.add_marked(*range(40), attempts=3)
        await queue.work(handler, manager=manager, concurrency=3, **QUICK_LOCKS)
        await all_run(lab, handler_marks=lambda: handler.marks, wanted=range(40))
        for id in ids:
            await beside.reaches(id, "completed", budget=RECONNECT)


@rule("FLT-02")
async def test_worker_and_provider_go_on_when_the_backend_is_back(lab: Lab) -> None:
    """It was gone for a while, in which a handler ran and a job came."""
    async with outage_of(lab) as outage:
        queue, beside, manager = await outage.worker()
        gate = lab.gate()
        handler = lab.handler(gate=gate)
        ids = await beside.add_marked("during")
        await queue.work(handler, manager=manager, concurrency=2, **QUICK_LOCKS)
        await handler.started(1)
        await outage.begin()
        if outage.is_server:
            ids += await beside.add_marked("meanwhile")
        await stay_away(lab, outage)
        await outage.end()
        gate.open()
        ids += await add_when_back(lab, queue, "after")
        for id in ids:
            await beside.reaches(id, "completed", budget=RECONNECT)


@rule("FLT-02")
async def test_worker_and_provider_go_on_when_the_server_has_ended_their_sessions(lab: Lab) -> None:
    """Twice: while they are idle, and while a handler runs."""
    if lab.setting.url is None and lab.setting.dsn is None:
        return  # there are no sessions without a server; the other tests of this rule judge files
    async with with_sessions(lab) as (sessions, work):
        queue, gate = work.queue, lab.gate()
        quick, slow = lab.handler(name="quick handler"), lab.handler(gate=gate, name="slow handler")
        await queue.work(quick, manager=work.manager, concurrency=2, **QUICK_LOCKS)
        await queue.work(slow, name="slow", manager=work.manager)
        ids = await queue.add_marked("before")
        await quick.finished(1)
        tell(lab, f"the server ends {await sessions.end()} sessions")
        ids += [*await add_when_back(lab, queue, "after the first end"), await queue.add(name="slow")]
        await slow.started(1, budget=RECONNECT)
        tell(lab, f"the server ends {await sessions.end()} sessions")
        gate.open()
        ids += await add_when_back(lab, queue, "after the second end")
        for id in ids:
            await queue.reaches(id, "completed", budget=RECONNECT)


@rule("FLT-03")
@while_others_time_out
async def test_a_worker_starts_jobs_after_its_connections_went_dead(lab: Lab) -> None:
    """It is idle then, and gets no error: nothing comes any more. A job comes, and later another."""
    async with outage_of(lab) as outage:
        queue, beside, manager = await outage.worker()
        handler = lab.handler()
        await queue.work(handler, manager=manager, **QUICK_LOCKS)
        await beside.add_marked("before")
        await handler.finished(1)
        await lab.canary(1)
        await outage.lose_connections()
        for mark in ("first", "second"):
            (id,) = await beside.add_marked(mark)
            await beside.reaches(id, "completed", budget=RECOVER)
        lab.equal(sorted(set(handler.marks)), ["before", "first", "second"], "what has run", jobs=[id])


@rule("FLT-03")
@while_others_time_out
async def test_a_subscriber_hears_again_after_its_connections_went_dead(lab: Lab) -> None:
    """Events of this provider's own queue, told after it; none needs to be told of the time between."""
    async with outage_of(lab) as outage:
        await _check_hears_again(lab, outage, outage.lose_connections)


@rule("FLT-03")
async def test_a_subscriber_hears_again_after_its_connections_were_cut(lab: Lab) -> None:
    """The client is told that they are gone."""
    async with outage_of(lab) as outage:
        await _check_hears_again(lab, outage, outage.cut)


async def _working_queue(lab: Lab, outage: Outage) -> tuple[Queue, str]:
    """A queue of the provider that is to suffer, with a job in it, and the job's id."""
    provider = await lab.new_provider(setting=outage.setting)
    queue = await lab.queue(provider=provider)
    id = await queue.add("before")
    lab.equal((await queue.job(id)).data, "before", "data of a job before the outage", jobs=[id])
    return queue, id


async def _check_calls_raise(lab: Lab, outage: Outage, queue: Queue, id: str) -> dict[str, Any]:
    """Make every call but the counts (CNT-05) at once. Each raises in time; only with files it may do
    its work instead. Gives what was returned, by call."""
    raw, name = queue.provider.raw, queue.name
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "enqueue": lambda: raw.enqueue(name, JobInput(JOB, "during")),
        "schedule": lambda: raw.schedule(name, JobInput(JOB, "during"), ScheduleOptions(delay=60_000)),
        "get_job": lambda: raw.get_job(name, id),
        "get_jobs": lambda: raw.get_jobs(name),
        "is_paused": lambda: raw.is_paused(name),
        "pause": lambda: raw.pause(name),
    }
    results: dict[str, tuple[bool, Any]] = {}

    async def make(call: str) -> None:
        results[call] = await outcome(lab, call, calls[call])

    async def make_all() -> None:
        async with anyio.create_task_group() as group:
            for call in calls:
                group.start_soon(make, call)

    async with lab.meanwhile(make_all):
        pass
    returned = {call: result for call, (failed, result) in results.items() if not failed}
    if outage.is_server:
        lab.equal(returned, {}, "what calls return while the backend is away, instead of raising")
    return returned


async def _check_stored(lab: Lab, queue: Queue, returned: dict[str, Any]) -> None:
    """An id that was returned while files were locked is that of a job that is there."""
    for call in returned.keys() & {"enqueue", "schedule"}:
        found = await queue.get(returned[call])
        lab.check(found is not None, f"a job is there if {call} has returned its id", repr(found))


async def _check_hears_again(lab: Lab, outage: Outage, fault: Callable[[], Awaitable[None]]) -> None:
    queue, beside, _ = await outage.worker()
    log = await queue.listen("waiting")
    first = await beside.add("before")
    await log.heard(1)
    lab.equal(log.job_ids, [first], "jobs of `waiting` events before the fault", jobs=[first])
    await fault()
    what = "`waiting` is told of jobs that come after the fault"
    await hears_of_another(lab, log, lambda: beside.add("after"), what)
