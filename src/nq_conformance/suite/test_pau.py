"""PAU: pause and resume."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import anyio

from nq_conformance.adapters import Capability
from nq_conformance.lab import Lab, Recorder, Run
from nq_conformance.suite.later import let_fall_due
from nq_conformance.suite.rules import rule


@rule("PAU-01")
async def test_pause_holds_a_queue_that_has_neither_worker_nor_jobs(lab: Lab) -> None:
    """At once, again and again, and no other queue; resume ends it."""
    queue, other = await lab.queue(), await lab.queue()
    lab.equal(await queue.is_paused(), False, "is_paused of a queue never paused")
    await queue.pause()
    lab.equal(await queue.is_paused(), True, "is_paused after pause")
    await queue.pause()
    lab.equal(await queue.is_paused(), True, "is_paused after a second pause")
    lab.equal(await other.is_paused(), False, "is_paused of another queue")
    await queue.resume()
    lab.equal(await queue.is_paused(), False, "is_paused after resume")


@rule("PAU-02")
async def test_no_handler_starts_after_pause_has_returned(lab: Lab) -> None:
    """A busy worker is paused in the middle of 150 jobs; the count of starts stands still."""
    queue = await lab.queue()
    await queue.add_marked(*range(150))
    handler = await queue.handled(concurrency=3)
    await handler.started(5)
    await queue.pause()
    before = len(handler.runs)
    lab.check(before < 150, "pause returns while jobs are waiting", "all 150 jobs have run")
    await lab.canary()
    lab.equal(len(handler.runs), before, "starts while paused stay at")
    await queue.resume()
    await handler.finished(150)


@rule("PAU-02")
async def test_an_idle_worker_does_not_start_a_job_that_comes_after_pause(lab: Lab) -> None:
    """The worker is already waiting for a job when the queue is paused."""
    queue = await lab.queue()
    handler = await queue.handled()
    await queue.add_marked("before")
    await handler.finished(1)
    await queue.pause()
    ids = await queue.add_marked("after")
    await lab.canary()
    lab.equal(handler.marks, ["before"], "jobs started, the last of them enqueued after pause", jobs=ids)


@rule("PAU-03")
async def test_running_handlers_end_as_ever_when_their_queue_is_paused(lab: Lab) -> None:
    """One succeeds and one fails after the pause; their outcomes are there before resume."""
    queue = await lab.queue()
    gate = lab.gate()
    good = lab.handler(gate=gate)
    bad = lab.handler(_fail, gate=gate, name="failing handler")
    await queue.work(good, name="good", concurrency=2)
    await queue.work(bad, name="bad", concurrency=2)
    ids = [await queue.add("result", name="good"), await queue.add(name="bad")]
    await good.started(1)
    await bad.started(1)
    async with lab.meanwhile(queue.pause):  # it may wait for the handlers, see PAU-11
        await lab.canary()
        gate.open()
    jobs = [await queue.reaches(ids[0], "completed"), await queue.reaches(ids[1], "failed")]
    lab.equal(await queue.is_paused(), True, "is_paused when the handlers have ended")
    told = [(job.return_value, job.failed_reason, job.attempts_made) for job in jobs]
    wanted = [("result", None, 1), (None, "failed on purpose", 1)]
    lab.equal(told, wanted, "return_value, failed_reason and attempts_made while paused", jobs=ids)
    await queue.resume()
    await lab.canary()
    lab.equal((len(good.runs), len(bad.runs)), (1, 1), "runs of the two handlers after resume", jobs=ids)


@rule("PAU-11")
async def test_pause_returns_while_a_handler_runs(lab: Lab) -> None:
    """The handler ends only after pause has returned."""
    queue = await lab.queue()
    gate = lab.gate()
    handler = lab.handler(gate=gate)
    await queue.work(handler)
    id = await queue.add()
    await handler.started(1)
    await queue.pause()
    lab.equal(handler.running, 1, "handlers running when pause has returned", jobs=[id])
    gate.open()
    await queue.reaches(id, "completed")


@rule("PAU-04")
async def test_jobs_enqueued_while_paused_run_after_resume(lab: Lab) -> None:
    """Twelve jobs come while the queue is paused; resume alone sets them going."""
    queue = await lab.queue()
    handler = await queue.handled()
    await queue.pause()
    ids = await queue.add_marked(*range(12))
    lab.equal(len(set(ids)), 12, "distinct ids of twelve jobs enqueued while paused", jobs=ids)
    await lab.canary(1)
    await queue.resume()
    await handler.finished(12)
    lab.equal(sorted(handler.marks), list(range(12)), "jobs that have run after resume", jobs=ids)
    for id in ids:
        await queue.reaches(id, "completed")


@rule("PAU-05")
async def test_each_job_runs_once_over_many_pauses(lab: Lab) -> None:
    """Fifteen times, a busy queue is paused, given more jobs, and resumed."""
    queue = await lab.queue()
    handler = lab.handler(_take_turns)
    await queue.add_marked(*range(40))
    await queue.work(handler, concurrency=3)
    for number in range(40, 100, 4):
        before = len(handler.runs)
        await queue.pause()
        await queue.add_marked(*range(number, number + 4))
        await queue.resume()
        await handler.started(before + 1)
    await handler.finished(100)
    await lab.canary()
    lab.equal(_not_once(handler, range(100)), {}, "jobs of 100 that have not run once, and their runs")
    seen: tuple[int, int] | None = None

    async def all_completed() -> bool:
        nonlocal seen
        counts = await queue.counts()
        seen = (counts.completed, counts.waiting + counts.paused)
        return seen == (100, 0)

    await lab.eventually(
        all_completed, expected="completed and waiting jobs: (100, 0)", seen=lambda: repr(seen)
    )


@rule("PAU-05")
async def test_a_resume_too_many_starts_nothing_twice(lab: Lab) -> None:
    """While one job runs long, the queue is paused and resumed, twice at a time; then it is busy."""
    queue = await lab.queue()
    gate = lab.gate()

    async def body(run: Run) -> None:
        if run.mark == "long":
            await lab.canary(30)
        if run.mark == "gate":
            await gate.passed()

    handler = lab.handler(body)
    await queue.work(handler, concurrency=2)
    ids = await queue.add_marked("long")
    await handler.started(1)
    for mark in range(8):
        async with lab.meanwhile(queue.pause):
            await queue.pause()
        ids += await queue.add_marked(mark)
        async with lab.meanwhile(queue.resume):
            await queue.resume()
    await queue.resume()
    await handler.finished(9)
    await lab.canary()
    wrong = _not_once(handler, ["long", *range(8)])
    lab.equal(wrong, {}, "jobs of nine that have not run once, and their runs", jobs=ids)
    ids = await queue.add_marked(*["gate"] * 6)
    await handler.started(11)
    await lab.canary()
    lab.equal(handler.running, 2, "handlers running at concurrency 2 after many resumes", jobs=ids)
    gate.open()
    await handler.finished(15)


@rule("PAU-06")
async def test_a_worker_registered_on_a_paused_queue_waits_for_resume(lab: Lab) -> None:
    """Jobs came before and after the pause; the first worker comes last."""
    queue = await lab.queue()
    ids = await queue.add_marked("before")
    await queue.pause()
    ids += await queue.add_marked("while")
    handler = lab.handler()
    manager = await queue.work(handler)
    if lab.claims(Capability.START_WORKER):
        await manager.start_worker(queue.name)
    await lab.canary()
    lab.equal(handler.marks, [], "jobs started by a worker registered on a paused queue", jobs=ids)
    lab.equal(await queue.is_paused(), True, "is_paused after the registration")
    await queue.resume()
    await handler.finished(2)
    lab.equal(sorted(handler.marks), ["before", "while"], "jobs that have run after resume", jobs=ids)


@rule("PAU-06")
async def test_nothing_that_is_registered_later_ends_a_pause(lab: Lab) -> None:
    """A second handler of the same worker, then the same names in a second manager."""
    queue = await lab.queue()
    handler = await queue.handled()
    await queue.add_marked("first")
    await handler.finished(1)
    await queue.pause()
    ids = [*await queue.add_marked("known"), *await queue.add_marked("new", name="other")]
    await queue.work(handler, name="other")
    second = await lab.new_manager()
    await queue.work(handler, manager=second)
    await queue.work(handler, name="other", manager=second)
    await lab.canary()
    lab.equal(handler.marks, ["first"], "jobs started, the last two of them behind a pause", jobs=ids)
    await queue.resume()
    await handler.finished(3)
    lab.equal(sorted(handler.marks), ["first", "known", "new"], "jobs that have run after resume", jobs=ids)


@rule("PAU-07")
async def test_delayed_jobs_that_fall_due_wait_for_resume_and_no_longer(lab: Lab) -> None:
    """One is delayed before the pause and one during it; a third, due after resume, is the last."""
    queue = await lab.queue()
    handler = await queue.handled(concurrency=1)
    ids = await queue.add_marked("before", delay=650)
    await queue.pause()
    at_pause = list(handler.marks)
    ids += await queue.add_marked("during", delay=600)
    await let_fall_due(lab, 600)
    lab.equal(handler.marks, at_pause, "jobs started by the time they are due, while paused", jobs=ids)
    await queue.resume()
    ids += await queue.add_marked("fresh", delay=60)
    await handler.finished(3)
    lab.equal(sorted(handler.marks), ["before", "during", "fresh"], "jobs that have run", jobs=ids)
    lab.equal(
        handler.marks[-1],
        "fresh",
        "the last to start of two jobs that fell due during the pause and one due after it",
        jobs=ids,
    )


@rule("PAU-07")
async def test_retries_wait_for_resume(lab: Lab) -> None:
    """Two jobs that always fail, one with a backoff, are between two attempts again and again."""
    queue = await lab.queue()
    handler = lab.failing()
    await queue.work(handler, concurrency=2)
    ids = await queue.add_marked("backoff", attempts=10_000, backoff=("fixed", 20))
    ids += await queue.add_marked("none", attempts=10_000)
    await lab.sees(
        lambda: min(handler.marks.count("backoff"), handler.marks.count("none")) > 1,
        expected="a second attempt at both jobs",
        seen=lambda: f"the attempts {handler.marks[:9]!r}",
        jobs=ids,
    )
    await queue.pause()
    before = len(handler.runs)
    await let_fall_due(lab, 60)
    lab.equal(len(handler.runs), before, "attempts while paused stay at", jobs=ids)
    await queue.resume()
    await lab.sees(
        lambda: {"backoff", "none"} <= set(handler.marks[before:]),
        expected="after resume, another attempt at both jobs",
        seen=lambda: f"the attempts {handler.marks[before : before + 9]!r}",
        jobs=ids,
    )


@rule("PAU-10")
async def test_resume_leaves_delayed_jobs_delayed(lab: Lab) -> None:
    """Jobs due in a minute and later, from before and from during the pause."""
    queue = await lab.queue()
    ids = await queue.add_marked("before", delay=60_000)
    await queue.add_marked("now")
    await queue.pause()
    ids += await queue.add_marked("during", delay=3_600_000)
    await queue.resume()
    if lab.adapter.has_workers:
        handler = await queue.handled()
        await queue.add_marked("later")
        await handler.finished(2)
        await lab.canary()
        lab.equal(sorted(handler.marks), ["later", "now"], "jobs that have run after resume", jobs=ids)
    before, during = await queue.job(ids[0]), await queue.get(ids[1])
    lab.equal(before.state, "delayed", "state of a delayed job after resume", jobs=ids[:1])
    if during is not None:  # a job that was lost is the business of PAU-04
        lab.equal(during.state, "delayed", "state of a job that was delayed during the pause", jobs=ids[1:])


@rule("PAU-10")
async def test_resume_does_not_cut_short_a_backoff(lab: Lab) -> None:
    """A failed job rests for a minute when its queue is paused and resumed."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue()
    handler = lab.failing(times=1)
    await queue.work(handler, concurrency=1)
    id = await queue.add({"n": "resting"}, attempts=3, backoff=("fixed", 60_000))
    await queue.reaches(id, "delayed")
    await queue.pause()
    await queue.resume()
    await queue.add_marked("other")
    await handler.finished(2)
    await lab.canary()
    lab.equal(handler.marks, ["resting", "other"], "attempts, with a job that rests", jobs=[id])


def _not_once(handler: Recorder, marks: Iterable[Any]) -> dict[Any, int]:
    """The marks of jobs that have run twice or not at all, and how often they have run."""
    runs = {mark: handler.marks.count(mark) for mark in marks}
    return {mark: times for mark, times in runs.items() if times != 1}


async def _fail(_: Run) -> Any:
    raise RuntimeError("failed on purpose")


async def _take_turns(run: Run) -> Any:
    """Let others run a few times, so that a pause may meet the handler in its middle."""
    for _ in range(3):
        await anyio.lowlevel.checkpoint()
    return run.data
