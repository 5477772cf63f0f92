"""RTY: attempts, backoff, timeout."""

from __future__ import annotations

from typing import Any

import anyio

from nq_conformance.lab import Lab, Run
from nq_conformance.suite.rules import rule
from nq_conformance.suite.test_sch import CLOCK_MS


@rule("RTY-01")
async def test_an_always_failing_handler_is_called_as_often_as_attempts_say(lab: Lab) -> None:
    """Attempts of 3, of 1, of 0 and none given: 3, 1, 1 and 1 calls."""
    queue = await lab.queue()
    handler = lab.failing()
    await queue.work(handler)
    ids = [*await queue.add_marked("default"), *await queue.add_marked("three", attempts=3)]
    ids += [*await queue.add_marked("one", attempts=1), *await queue.add_marked("zero", attempts=0)]
    for id in ids:
        await queue.reaches(id, "failed")
    await lab.canary()
    calls = {mark: handler.marks.count(mark) for mark in ("default", "three", "one", "zero")}
    lab.equal(
        calls, {"default": 1, "three": 3, "one": 1, "zero": 1}, "calls of the handler by attempts", jobs=ids
    )


@rule("RTY-02")
async def test_attempts_made_counts_finished_attempts(lab: Lab) -> None:
    """Zero while the first runs, one while the second does, two after it; also after success."""
    queue = await lab.queue()
    during: list[int] = []

    async def body(run: Run) -> None:
        [only] = await queue.list()
        during.append(only.attempts_made)
        if run.number == 1:
            raise RuntimeError("first attempt")

    await queue.work(lab.handler(body))
    id = await queue.add(attempts=5)
    job = await queue.reaches(id, "completed")
    lab.equal(during, [0, 1], "attempts_made while attempts 1 and 2 run", jobs=[id])
    lab.equal(job.attempts_made, 2, "attempts_made after success in attempt 2", jobs=[id])


@rule("RTY-02")
async def test_attempts_made_of_a_failed_job_is_the_number_of_its_attempts(lab: Lab) -> None:
    """Three attempts, all in vain."""
    queue = await lab.queue()
    await queue.work(lab.failing())
    id = await queue.add(attempts=3)
    job = await queue.reaches(id, "failed")
    lab.equal(job.attempts_made, 3, "attempts_made after three failures", jobs=[id])


@rule("RTY-04")
async def test_fixed_backoff_waits_its_delay_after_each_failure(lab: Lab) -> None:
    """No attempt begins earlier than the delay after the end of the one before."""
    queue = await lab.queue()
    handler = lab.failing()
    await queue.work(handler)
    id = await queue.add(attempts=3, backoff=("fixed", 250))
    await handler.finished(3)
    for earlier, later in zip(handler.runs, handler.runs[1:], strict=False):
        gap = later.started_ms - (earlier.ended_ms or 0)
        lab.check(
            gap >= 250 - CLOCK_MS,
            "with a fixed backoff of 250 ms, an attempt starts no earlier after the failure before it",
            f"it started after {gap:.0f} ms",
            jobs=[id],
        )


@rule("RTY-04")
async def test_backoff_has_the_resolution_of_milliseconds(lab: Lab) -> None:
    """Of two that fail together, the one with 150 ms comes back before the one with 850 ms."""
    queue = await lab.queue()
    gate = lab.gate()

    async def body(run: Run) -> None:
        if run.number <= 2:
            raise RuntimeError("first attempt")

    handler = lab.handler(body, gate=gate)
    await queue.work(handler, concurrency=2)
    ids = await queue.add_marked(850, attempts=2, backoff=("fixed", 850))
    ids += await queue.add_marked(150, attempts=2, backoff=("fixed", 150))
    await handler.started(2)
    gate.open()
    await handler.finished(4)
    lab.equal(handler.marks[2:], [150, 850], "second attempts, by their backoff in ms", jobs=ids)


@rule("RTY-10")
async def test_an_attempt_beyond_its_timeout_fails_and_frees_its_slot(lab: Lab) -> None:
    """The handler never ends; the job fails, the reason names the timeout, the next job runs."""
    queue = await lab.queue()
    stuck, after = lab.handler(gate=lab.gate()), lab.handler()
    await queue.work(stuck, name="stuck", concurrency=1)
    await queue.work(after, name="after")
    id = await queue.add(name="stuck", timeout=200)
    await queue.add(name="after")
    job = await queue.reaches(id, "failed")
    reason = (job.failed_reason or "").lower()
    lab.check(
        "timeout" in reason or "timed out" in reason,
        "failed_reason names the timeout",
        repr(job.failed_reason),
        jobs=[id],
    )
    await after.finished(1)


@rule("RTY-10")
async def test_a_timed_out_attempt_is_retried(lab: Lab) -> None:
    """The first attempt hangs, the second does not: the job completes."""
    queue = await lab.queue()
    gate = lab.gate()

    async def body(run: Run) -> Any:
        if run.number == 1:
            await gate.passed()
        return "second attempt"

    await queue.work(lab.handler(body))
    id = await queue.add(timeout=200, attempts=2)
    job = await queue.reaches(id, "completed")
    lab.equal(job.return_value, "second attempt", "the result", jobs=[id])


@rule("RTY-10")
async def test_the_late_result_of_a_timed_out_attempt_is_dropped(lab: Lab) -> None:
    """The handler will not be cancelled and returns in the end; the job stays failed."""
    queue = await lab.queue()
    gate = lab.gate()

    async def body(_: Run) -> Any:
        with anyio.CancelScope(shield=True):
            await gate.passed()
        return "late"

    completed = await queue.listen("completed")
    handler = lab.handler(body)
    await queue.work(handler, concurrency=1)
    id = await queue.add(timeout=200)
    await queue.reaches(id, "failed")
    gate.open()
    await handler.finished(1)
    await lab.canary()
    job = await queue.job(id)
    lab.equal(
        (job.state, job.return_value), ("failed", None), "state and result after the late end", jobs=[id]
    )
    lab.equal(completed.job_ids, [], "`completed` events", jobs=[id])
