"""ORD: the order in which jobs start."""

from __future__ import annotations

from typing import Any

from nq_conformance.adapters import Capability
from nq_conformance.contract import JobInput, JobOptions
from nq_conformance.lab import Lab
from nq_conformance.lab.queue import JOB
from nq_conformance.suite.rules import rule


@rule("ORD-01")
async def test_jobs_of_equal_priority_start_in_the_order_of_their_enqueue(lab: Lab) -> None:
    """Twenty-five jobs wait, and twelve come while they are worked off, one at a time."""
    queue = await lab.queue()
    ids = await queue.add_marked(*range(25))
    handler = await queue.handled(concurrency=1)
    ids += await queue.add_marked(*range(25, 37))
    await handler.finished(37)
    lab.equal(handler.marks, list(range(37)), "the order in which 37 jobs start", jobs=ids[:3])


@rule("ORD-02")
async def test_delayed_jobs_start_in_the_order_of_their_due_times(lab: Lab) -> None:
    """The longest delay is enqueued first, and holds nobody back."""
    queue = await lab.queue()
    handler = await queue.handled(concurrency=1)
    ids = [await queue.add({"n": ms}, delay=ms) for ms in (60_000, 900, 300, 600)]
    await handler.finished(3)
    lab.equal(
        handler.marks, [300, 600, 900], "the order in which delayed jobs start, by their delay", jobs=ids
    )


@rule("ORD-03")
async def test_jobs_of_one_delay_start_in_the_order_of_their_enqueue(lab: Lab) -> None:
    """Forty in a row, many of them due in the same millisecond; their ids would sort the other way."""
    queue = await lab.queue()
    handler = await queue.handled(concurrency=1)
    ids = [await queue.add({"n": n}, delay=150, job_id=f"job-{40 - n}") for n in range(40)]
    await handler.finished(40)
    lab.equal(handler.marks, list(range(40)), "the order in which 40 jobs of one delay start", jobs=ids[:3])


@rule("ORD-03")
async def test_jobs_of_one_call_and_one_delay_start_in_their_order(lab: Lab) -> None:
    """Two dozen jobs are stored by one enqueue_many, where there is one."""
    if not lab.claims(Capability.ENQUEUE_MANY):
        return
    queue = await lab.queue()
    handler = await queue.handled(concurrency=1)
    raw: Any = queue.provider.raw
    jobs = [JobInput(JOB, {"n": n}, JobOptions(delay=150, job_id=f"job-{24 - n}")) for n in range(24)]
    ids = list(await raw.enqueue_many(queue.name, jobs))
    lab.history.add("call", "enqueue_many", queue=queue.name, text="24 jobs with delay=150")
    await handler.finished(24)
    lab.equal(handler.marks, list(range(24)), "the order in which 24 jobs of one call start", jobs=ids[:3])


@rule("ORD-04")
async def test_a_retry_without_backoff_goes_behind_the_waiting_backlog(lab: Lab) -> None:
    """The first of four jobs fails once; its second attempt is the last to start."""
    queue = await lab.queue()
    handler = lab.failing(times=1)
    ids = await queue.add_marked("a", "b", "c", "d", attempts=2)
    await queue.work(handler, concurrency=1)
    await handler.finished(5)
    lab.equal(handler.marks, ["a", "b", "c", "d", "a"], "the order of attempts", jobs=ids)


@rule("ORD-05")
async def test_resume_keeps_the_order_of_a_backlog_without_a_worker(lab: Lab) -> None:
    """Jobs from before and from during the pause; the worker comes after resume."""
    queue = await lab.queue()
    ids = await queue.add_marked(*range(15))
    await queue.pause()
    ids += await queue.add_marked(*range(15, 25))
    await queue.resume()
    ids += await queue.add_marked(*range(25, 30))
    handler = await queue.handled(concurrency=1)
    await handler.finished(30)
    lab.equal(handler.marks, list(range(30)), "the order of start of a backlog that was held", jobs=ids[:3])


@rule("ORD-05")
async def test_resume_keeps_the_order_of_a_backlog_that_is_worked_off(lab: Lab) -> None:
    """Three pauses meet the worker in the middle of its jobs; more jobs come during each."""
    queue = await lab.queue()
    ids = await queue.add_marked(*range(40))
    handler = await queue.handled(concurrency=1)
    for number in (40, 44, 48):
        before = len(handler.runs)
        await queue.pause()
        ids += await queue.add_marked(*range(number, number + 4))
        await queue.resume()
        await handler.started(before + 1)
    await handler.finished(52)
    lab.equal(handler.marks, list(range(52)), "the order of start over three pauses", jobs=ids[:3])
