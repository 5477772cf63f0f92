"""Rules of several areas that take other processes, or a fault, to break: ENQ, CNT, PAU, EVT, SCH, CON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from nq_conformance.clock import DRAIN, Budget
from nq_conformance.contract import JobCounts, ScheduleOptions
from nq_conformance.lab import EventLog, Lab, Queue, Run
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.burst import enqueue_burst
from nq_conformance.suite.outage import RECONNECT, outage_of, outcome
from nq_conformance.suite.processes import Place, all_at_once, here_and_there, in_turn
from nq_conformance.suite.rules import rule
from nq_conformance.suite.series import now_ms, shortest

IDS = 25
CALLS = 2
"""How often each process gives each id."""
JOBS = 1000
SLOTS = 2
THROUGH = Budget("through", 30_000, "three processes get through a thousand jobs")


@rule("ENQ-09")
async def test_one_job_comes_of_an_id_that_three_processes_give_at_once(lab: Lab) -> None:
    """Twenty-five ids, each given twice by each process at the same moment, with different data."""
    places = await here_and_there(lab, others=2)
    queue = places[0].queue
    told = await queue.listen("waiting")
    ids = [f"order-{number}" for number in range(IDS)]

    async def give(place: Place) -> None:
        for id in ids:
            returned = await place.queue.add({"n": id, "from": place.name}, job_id=id)
            lab.equal(returned, id, f"the id that enqueue returns in {place.name}", jobs=[id])

    await all_at_once(lab, places * CALLS, give)
    last = await queue.add(job_id="last")
    await told.heard(len(ids) + 1)
    await lab.sees(
        lambda: last in told.job_ids,
        expected="`waiting` is told of a job that comes last",
        seen=lambda: f"so far: {told.job_ids[-5:]}",
    )
    wanted = sorted([*ids, last])
    lab.equal(sorted(told.job_ids), wanted, "the jobs of `waiting` events")
    lab.equal((await queue.counts()).waiting, len(wanted), "counts.waiting")
    for place in places:
        lab.equal(sorted(await place.queue.ids()), wanted, f"the ids that {place.name} lists")
    if lab.adapter.has_workers:
        stored = {id: (await queue.job(id)).data for id in ids}
        handler = await queue.handled()
        await handler.finished(len(wanted))
        await lab.canary()
        lab.equal(sorted(run.job_id or "" for run in handler.runs), wanted, "the jobs that have run")
        ran = {run.job_id: run.data for run in handler.runs if run.job_id != last}
        lab.equal(ran, stored, "the data that the handlers were given, as it was stored")


@rule("CON-06")
async def test_three_processes_run_a_thousand_jobs_once_each(lab: Lab) -> None:
    """Each has taken jobs before any may end; the rest comes while all of them are at work."""
    places = await here_and_there(lab, others=2)
    queue, gate = places[0].queue, lab.gate()
    handlers = []
    for place in places:
        handlers.append(lab.handler(gate=gate, name=f"handler of {place.name}"))
        await place.queue.work(handlers[-1], manager=await place.manager(lab), concurrency=SLOTS)
    ids = await enqueue_burst(lab, queue, [{"n": number} for number in range(50)])
    for handler in handlers:
        await handler.started(SLOTS, budget=DRAIN)
    gate.open()
    ids += await enqueue_burst(lab, queue, [{"n": number} for number in range(50, JOBS)])

    def runs() -> list[Any]:
        return [mark for handler in handlers for mark in handler.marks]

    await lab.sees(
        lambda: len(set(runs())) == JOBS and not any(handler.running for handler in handlers),
        budget=THROUGH,
        expected=f"{JOBS} jobs run",
        seen=lambda: f"{len(set(runs()))} of them have",
    )
    await lab.canary()
    marks = runs()
    twice = sorted({mark for mark in marks if marks.count(mark) > 1}) if len(marks) > JOBS else []
    lab.equal(twice, [], "jobs that have run more than once", jobs=[ids[mark] for mark in twice[:3]])
    await _all_completed(lab, queue, JOBS)


@rule("CNT-05")
async def test_counts_raise_when_the_backend_is_away(lab: Lab) -> None:
    """Of a queue with jobs, and of one that nobody has used. Files may still be read rightly."""
    async with outage_of(lab) as outage:
        provider = await lab.new_provider(setting=outage.setting)
        queue, unused = await lab.queue(provider=provider), await lab.queue(provider=provider)
        ids = [await queue.add(), await queue.add(priority=1), await queue.add(delay=60_000)]
        wanted = await queue.counts()
        lab.equal((wanted.waiting, wanted.delayed), (2, 1), "waiting and delayed jobs", jobs=ids)
        await outage.begin()
        for each, right in ((queue, wanted), (unused, JobCounts())):
            call = partial(provider.raw.get_job_counts, each.name)
            failed, seen = await outcome(lab, "get_job_counts", call)
            told = failed or (not outage.is_server and seen == right)
            lab.check(told, "get_job_counts raises while the backend is away", repr(seen), jobs=ids)


@rule("PAU-09")
async def test_a_pause_stops_the_busy_worker_of_another_process(lab: Lab) -> None:
    """Jobs that it had claimed may still start, one a slot; then none until a resume from here."""
    here, there = await here_and_there(lab)
    gate = lab.gate()

    async def body(run: Run) -> None:
        if run.number >= 60:
            await gate.passed()

    handler = lab.handler(body)
    await here.queue.add_marked(*range(120))
    manager = await there.manager(lab)
    await there.queue.work(handler, manager=manager, concurrency=SLOTS)
    await handler.started(10)
    await here.queue.pause()
    before = len(handler.runs)
    gate.open()
    await in_turn(lab, there.queue, manager)
    stopped = len(handler.runs)
    lab.check(
        stopped - before <= SLOTS,
        f"after a pause in another process at most {SLOTS} jobs start, which were claimed before it",
        f"{stopped - before} have started",
    )
    lab.check(stopped < 120, "a pause in another process holds the rest of 120 jobs", "all have run")
    await in_turn(lab, there.queue, manager)
    lab.equal(len(handler.runs), stopped, "starts in another process while paused stay at")
    await here.queue.resume()
    await handler.finished(120)


@rule("PAU-09")
async def test_a_pause_holds_the_idle_and_the_new_worker_of_another_process(lab: Lab) -> None:
    """Jobs come during the pause, from both processes; a second worker starts there as well."""
    here, there = await here_and_there(lab)
    handler = lab.handler()
    manager = await there.manager(lab)
    await there.queue.work(handler, manager=manager)
    await here.queue.add_marked("before")
    await handler.finished(1)
    await here.queue.pause()
    ids = [*await here.queue.add_marked("from here"), *await there.queue.add_marked("from there")]
    assert there.host is not None
    second = await there.host.new_manager(there.queue.provider)
    await there.queue.work(handler, manager=second)
    await in_turn(lab, there.queue, manager)
    lab.equal(handler.marks, ["before"], "jobs started in another process, two of them paused", jobs=ids)
    await here.queue.resume()
    await handler.finished(3)
    lab.equal(sorted(handler.marks), ["before", "from here", "from there"], "jobs that have run", jobs=ids)


@rule("EVT-12")
async def test_events_reach_the_processes_in_which_nothing_has_happened(lab: Lab) -> None:
    """One process adds and runs; the other hears of jobs that wait, run, end, fail and are delayed."""
    here, there = await here_and_there(lab)
    logs: dict[Any, EventLog] = {
        event: await here.queue.listen(event)
        for event in ("waiting", "active", "completed", "failed", "delayed", "paused")
    }

    async def body(run: Run) -> Any:
        if run.mark == "bad":
            raise RuntimeError("failed on purpose")
        return {"result": run.mark}

    await there.queue.work(lab.handler(body), manager=await there.manager(lab))
    ids = await there.queue.add_marked("good", "bad")
    late = await there.queue.add({"n": "late"}, delay=60_000)
    for event, wanted in (("waiting", ids), ("active", ids), ("delayed", [late])):
        await logs[event].heard(len(wanted))
        lab.equal(logs[event].job_ids, wanted, f"job ids of `{event}` events from another process", jobs=ids)
    await logs["completed"].heard(1)
    await logs["failed"].heard(1)
    for event, field, value in (
        ("completed", "return_value", {"result": "good"}),
        ("failed", "failed_reason", "failed on purpose"),
    ):
        told = [(field_of(p, "job_id"), field_of(p, field)) for p in logs[event].payloads]
        wanted_here = [(ids[event == "failed"], value)]
        lab.equal(told, wanted_here, f"job_id and {field} of `{event}` from another process", jobs=ids)
    await there.queue.pause()
    await logs["paused"].heard(1)


@rule("EVT-12")
async def test_each_process_hears_of_each_other(lab: Lab) -> None:
    """Both listen and both add; each hears of all jobs, once."""
    places = await here_and_there(lab)
    logs = [await place.queue.listen("waiting") for place in places]
    ids = []
    for number in range(6):
        ids += await places[number % 2].queue.add_marked(number)
    for place, log in zip(places, logs, strict=True):
        await log.heard(6)
        lab.equal(log.job_ids, ids, f"job ids of `waiting` events in {place.name}", jobs=ids)


@rule("EVT-13")
async def test_a_subscriber_is_told_of_what_happened_while_it_reconnected(lab: Lab) -> None:
    """Jobs come before, during and after; with files, which are locked for all, before and after."""
    async with outage_of(lab) as outage:
        queue, beside, _ = await outage.worker()
        log = await queue.listen("waiting")
        ids = await beside.add_marked("before")
        await log.heard(1)
        await outage.begin()
        if outage.is_server:
            ids += await beside.add_marked(*range(3))
            await outage.noticed()
            ids += await beside.add_marked(*range(3, 6))
        await outage.end()
        ids += await beside.add_marked("after")
        await lab.sees(
            lambda: len(log.payloads) >= len(ids),
            budget=RECONNECT,
            expected=f"`waiting` is told of {len(ids)} jobs, most of which came during an outage",
            seen=lambda: f"it was told of {len(log.payloads)} of {len(ids)} jobs",
            jobs=ids[-1:],
        )
        lab.equal(log.job_ids, ids, "job ids of `waiting` events, an outage in their midst", jobs=ids)


@rule("SCH-11")
async def test_three_processes_with_one_schedule_make_one_job_a_match(lab: Lab) -> None:
    """Each schedules the same series, has a worker and is idle when the match comes."""
    places = await here_and_there(lab, others=2)
    handler, pulse = lab.handler(), shortest(lab)
    for place in places:
        await place.queue.work(handler, manager=await place.manager(lab))
    began = now_ms()
    ids = [await place.queue.schedule("tick", ScheduleOptions(cron=pulse.pattern)) for place in places]
    lab.equal(len(set(ids)), 1, "distinct ids of one series that three processes schedule")
    await pulse.starts(handler, 3)
    await lab.canary()
    pulse.check_one_a_match(
        lab, handler.runs, began, f"one run for each match of {pulse.pattern!r} in three processes together"
    )
    jobs = [run.job_id for run in handler.runs]
    lab.equal(len(set(jobs)), len(jobs), "distinct job ids of the runs")


@rule("SCH-12")
async def test_patterns_are_read_in_utc_or_in_their_own_zone(lab: Lab) -> None:
    """In a process whose local time is Kathmandu's: hours of UTC, of Kathmandu and of Tokyo."""
    host = await lab.host(env={"TZ": "Asia/Kathmandu"})
    provider, manager = await host.provider(), await host.manager()
    pulse = shortest(lab)
    utc, kathmandu, tokyo = (_this_hour(pulse.pattern, ahead) for ahead in (0, 345, 540))
    cases = (
        ("hours of UTC, no tz", utc, None, True),
        ("hours of the process's local time, no tz", kathmandu, None, False),
        ("hours of Tokyo, with its tz", tokyo, "Asia/Tokyo", True),
        ("hours of UTC, with the tz of Tokyo", utc, "Asia/Tokyo", False),
    )
    handlers = {}
    for what, pattern, tz, _ in cases:
        queue = await lab.queue(provider=provider)
        handlers[what] = lab.handler(name=f"handler of the series with {what}")
        await queue.work(handlers[what], manager=manager)
        await queue.schedule("tick", ScheduleOptions(cron=pattern, tz=tz))
    for what, _, _, runs in cases:
        if runs:
            await pulse.starts(handlers[what], 2)
    for what, _, _, runs in cases:
        if not runs:
            lab.equal(len(handlers[what].runs), 0, f"runs of the series with {what}")


def _this_hour(pattern: str, minutes_ahead: int) -> str:
    """``pattern`` in the hour that it is now, and in the next, where clocks are so far ahead of UTC."""
    seconds_and_minutes = pattern.split()[:-4]
    there = datetime.now(UTC) + timedelta(minutes=minutes_ahead)
    return " ".join([*seconds_and_minutes, f"{there.hour},{(there.hour + 1) % 24}", "* * *"])


async def _all_completed(lab: Lab, queue: Queue, count: int) -> None:
    """All jobs of the queue are recorded as completed."""
    seen: Any = None

    async def there() -> bool:
        nonlocal seen
        seen = await queue.counts()
        return bool(seen.completed == count and seen.active == 0)

    await lab.eventually(
        there, expected=f"counts.completed is {count}, and none is active", seen=lambda: repr(seen)
    )
