"""FLT: what becomes of jobs and workers amid faults: what is recorded, skipped, reported and kept."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from nq_conformance.lab import EventLog, Lab, Queue, Run
from nq_conformance.suite.ends import restartable, tell
from nq_conformance.suite.later import let_fall_due
from nq_conformance.suite.listening import tasks_beside
from nq_conformance.suite.outage import RECONNECT, REPORT, outage_of
from nq_conformance.suite.recovering import (
    QUICK_LOCKS,
    add_when_back,
    all_run,
    hears_of_another,
    stay_away,
    while_others_time_out,
)
from nq_conformance.suite.rules import rule
from nq_conformance.suite.vanishing import make_vanish

DELAY_MS = 1_000
MOST_TRIES_A_SECOND = 100
"""To connect. Without a pause it is thousands."""

ERROR_TEXTS = {
    "NUL": "unreadable input: \0 at the end \0",
    "half a surrogate pair": "unreadable input: \ud83d and \udc00",
    "control characters": "unreadable input: \x01\x08\x0b\x1f\x7f\x85",
    "1 MiB": "unreadable input: " + "x" * 2**20,
    "1 MiB of three-byte characters and NUL": "unreadable input: " + "\u4e16\0" * 2**18,
}


@rule("FLT-04")
async def test_a_job_that_ends_while_the_backend_is_away_is_recorded_later(lab: Lab) -> None:
    """One completes and one fails for good; neither stays active, and the worker goes on."""
    async with outage_of(lab) as outage:
        queue, beside, manager = await outage.worker()
        gate = lab.gate()

        async def body(run: Run) -> Any:
            await gate.passed()
            if run.mark == "bad":
                raise RuntimeError("failed on purpose")
            return "result"

        handler = lab.handler(body)
        good, bad = await beside.add_marked("good", "bad")
        await queue.work(handler, manager=manager, concurrency=2, **QUICK_LOCKS)
        await handler.started(2)
        await outage.begin()
        gate.open()
        await handler.finished(2)
        await stay_away(lab, outage)
        await outage.end()
        jobs = [await beside.reaches(id, "completed", "failed", budget=RECONNECT) for id in (good, bad)]
        told = [(job.state, job.return_value, job.failed_reason) for job in jobs]
        wanted = [("completed", "result", None), ("failed", None, "failed on purpose")]
        lab.equal(told, wanted, "how jobs ended whose handlers ended during an outage", jobs=[good, bad])
        (last,) = await beside.add_marked("last")
        await beside.reaches(last, "completed", budget=RECONNECT)


@rule("FLT-04")
async def test_a_job_whose_acknowledgement_got_no_answer_stays_ended(lab: Lab) -> None:
    """The backend has recorded it, as an event tells; then the connection breaks before the answer."""
    async with outage_of(lab) as outage, tasks_beside(lab) as start_soon:
        queue, beside, manager = await outage.worker()
        handler = lab.handler()
        await queue.work(handler, manager=manager, **QUICK_LOCKS)
        await beside.listen("completed", then=lambda _: start_soon(outage.cut))
        outage.slow_down(60)
        ids = []
        for number in range(3):
            ids += await beside.add_marked(number)
            await beside.reaches(ids[-1], "completed", budget=RECONNECT)
            await all_run(lab, handler_marks=lambda: handler.marks, wanted=range(number + 1))
        for id in ids:
            job = await beside.reaches(id, "completed", budget=RECONNECT)
            lab.equal(job.failed_reason, None, "failed_reason of a job that was completed", jobs=[id])
        counts = await beside.counts()
        lab.equal((counts.completed, counts.failed), (3, 0), "jobs completed and failed", jobs=ids)


@rule("FLT-05")
@pytest.mark.parametrize("kind", ERROR_TEXTS)
async def test_an_error_text_that_is_hard_to_store_is_recorded(lab: Lab, kind: str) -> None:
    """With and without an attempt that follows; then the worker runs another job."""
    queue, text = await lab.queue(), ERROR_TEXTS[kind]
    failing, good = lab.failing(text), lab.handler()
    await queue.work(failing, name="bad")
    await queue.work(good, name="good")
    told = await queue.listen("failed")
    ids = [await queue.add(name="bad"), await queue.add(name="bad", attempts=2)]
    for number, id in enumerate(ids, start=1):
        job = await queue.reaches(id, "failed")
        reason = job.failed_reason
        begun = isinstance(reason, str) and reason.startswith("unreadable input: ")
        seen = f"{reason!r:.80}"
        lab.check(begun, f"failed_reason of an error with {kind} has what is readable of it", seen, jobs=[id])
        lab.check(_is_plain(reason), f"failed_reason of an error with {kind} is valid text", seen, jobs=[id])
        lab.equal(job.attempts_made, number, f"attempts_made of job {number}, which failed", jobs=[id])
    await told.heard(2)
    lab.equal(sorted(told.job_ids), sorted(ids), "jobs of `failed` events", jobs=ids)
    await queue.reaches(await queue.add(name="good"), "completed")


@rule("FLT-06")
async def test_jobs_whose_records_have_vanished_are_skipped(lab: Lab) -> None:
    """The first of the queue, one in its middle, one with a priority and a delayed one."""
    queue = await lab.queue()
    gone, kept = await queue.add_marked("gone, first"), await queue.add_marked("first")
    gone += await queue.add_marked("gone, middle")
    kept += await queue.add_marked("second")
    gone += await queue.add_marked("gone, priority", priority=2)
    kept += await queue.add_marked("third", priority=3)
    gone += await queue.add_marked("gone, delayed", delay=300)
    kept += await queue.add_marked("fourth", delay=400, priority=4)  # last, also if it is due by then
    states = [(await queue.job(id)).state for id in gone]
    lab.equal(states[:3], ["waiting"] * 3, "states of jobs that are to vanish", jobs=gone)
    lab.check(states[3] in ("delayed", "waiting"), "a delayed job is delayed, or due", states[3], jobs=gone)
    make_vanish(lab, gone, [*gone, *kept])
    handler = await queue.handled(**QUICK_LOCKS)
    await handler.finished(4)
    await queue.add_marked("last")
    await handler.finished(5)
    await lab.canary()
    lab.equal(
        handler.marks,
        ["first", "second", "third", "fourth", "last"],
        "what has run of nine jobs, four of them without a record",
        jobs=gone,
    )


@rule("FLT-06")
@while_others_time_out
async def test_errors_of_a_fetch_are_reported_and_slow_the_worker_down(lab: Lab) -> None:
    """A worker in another process, which has nothing to do, while its backend is away."""
    async with outage_of(lab) as outage:
        host = await lab.host(setting=outage.setting)
        queue = await lab.queue(provider=await host.provider())
        handler = lab.handler()
        await queue.work(handler, manager=await host.manager(), **QUICK_LOCKS)
        await queue.add("before")
        await handler.finished(1)
        told = len(host.log)
        await outage.begin()
        await outage.noticed(2)
        before, began = outage.refused, time.monotonic()
        if outage.is_server:
            await let_fall_due(lab, 700)
        tries, took_s = outage.refused - before, time.monotonic() - began
        lab.check(
            tries <= MOST_TRIES_A_SECOND * took_s,
            f"a worker tries at most {MOST_TRIES_A_SECOND} times a second while its backend is away",
            f"it tried to connect {tries} times in {took_s:.1f} s",
        )

        async def says_so() -> bool:
            return len(host.log) > told

        await lab.eventually(
            says_so,
            budget=REPORT,
            expected="the process of a worker whose backend is away says so on stderr",
            seen=lambda: "it has written nothing since",
        )
        await outage.end()
        await add_when_back(lab, queue, "after")
        await handler.finished(2, budget=RECONNECT)


@rule("FLT-07")
async def test_all_go_on_when_the_server_was_restarted_with_its_data(lab: Lab) -> None:
    """A job has ended by then, one runs, one waits in a paused queue and one for its time; a subscriber
    and the worker are there all along."""
    async with restartable(lab) as (server, work):
        queue, gate = work.queue, lab.gate()
        handler, held = lab.handler(name="handler"), lab.handler(name="handler of the paused queue")
        slow = lab.handler(gate=gate, name="slow handler")
        paused = await lab.queue(provider=queue.provider)
        for at, each, name in ((queue, handler, "job"), (queue, slow, "slow"), (paused, held, "job")):
            await at.work(each, name=name, manager=work.manager, concurrency=2, **QUICK_LOCKS)
        told = await queue.listen("completed")
        await paused.pause()
        (done,), (kept,) = await queue.add_marked("done"), await paused.add_marked("held")
        await queue.reaches(done, "completed")
        running = await queue.add({"n": "running"}, name="slow")
        delayed = await queue.add({"n": "delayed"}, delay=DELAY_MS)
        await slow.started(1)
        tell(lab, "the server is stopped")
        await server.stop()
        await server.start()
        tell(lab, "the server is back")
        gate.open()
        (after,) = await add_when_back(lab, queue, "after")
        for id in (done, running, delayed, after):
            await queue.reaches(id, "completed", budget=RECONNECT)
        await _check_told(lab, queue, told)
        lab.equal(await paused.is_paused(), True, "is_paused after a restart of the server")
        lab.equal(held.marks, [], "jobs of a paused queue that ran", jobs=[kept])
        await paused.resume()
        await paused.reaches(kept, "completed", budget=RECONNECT)


async def _check_told(lab: Lab, queue: Queue, log: EventLog) -> None:
    """A subscriber from before the fault hears of jobs that complete after it."""

    async def another() -> str:
        id = await queue.add({"n": "to be told of"})
        await queue.reaches(id, "completed")
        return id

    what = "`completed` is told of jobs that end after a restart of the server"
    await hears_of_another(lab, log, another, what)


def _is_plain(text: Any) -> bool:
    """Whether it can be written down: as UTF-8, and as JSON that others read."""
    try:
        return bool(json.loads(json.dumps(text).encode()) == text and text.encode().decode() == text)
    except (UnicodeError, ValueError):
        return False
