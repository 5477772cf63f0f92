"""RTY: how long a job rests between attempts, and timeouts."""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import anyio
from hypothesis import example, given
from hypothesis import strategies as st

from nq_conformance.lab import EventLog, Lab, Recorder, Run
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.rules import rule
from nq_conformance.suite.series import CLOCK_MS

_numbers = count(1)
FAR_MS = 60_000


@rule("RTY-04")
async def test_fixed_backoff_waits_its_delay_after_each_failure(lab: Lab) -> None:
    """No attempt begins earlier than the delay after the end of the one before; no wait is longer."""
    queue = await lab.queue()
    ahead_ms = await _backend_is_ahead_ms(lab)
    heard_ms: list[float] = []
    delayed = await queue.listen("delayed", then=lambda _: heard_ms.append(time.time() * 1000))
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
    await delayed.heard(2)
    for number, payload in enumerate(delayed.payloads, start=1):
        rest = (field_of(payload, "delay") or 0) - heard_ms[number - 1]
        # It was fixed before it was heard of: a slow machine makes it less.
        lab.check(
            rest <= 250 + CLOCK_MS + ahead_ms,
            f"the wait after failure {number} is 250 ms",
            f"the `delayed` event told a due time {rest:.0f} ms later",
            jobs=[id],
        )


async def _backend_is_ahead_ms(lab: Lab) -> float:
    """By how much at most the clock that due times are of is ahead of this process's."""
    queue = await lab.queue()
    delayed = await queue.listen("delayed")
    before_ms = time.time() * 1000
    await queue.add(delay=FAR_MS)
    (told,) = await delayed.heard(1)
    return max(0.0, (field_of(told, "delay") or 0) - FAR_MS - before_ms)


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

    handler = lab.handler(body)
    await queue.work(handler)
    id = await queue.add(timeout=200, attempts=2)
    job = await queue.reaches(id, "completed")
    lab.equal(job.return_value, "second attempt", "the result", jobs=[id])
    told = [getattr(run.ctx, "attempt", None) for run in handler.runs]
    lab.equal(told, [1, 2], "ctx.attempt of a job with a timeout, in its two attempts", jobs=[id])


@rule("RTY-10")
async def test_the_timeout_of_a_worker_is_for_jobs_that_have_none(lab: Lab) -> None:
    """Two hang on a worker with a short timeout: one fails, the other goes on by its own, a long one."""
    queue, gate = await lab.queue(), lab.gate()
    handler = lab.handler(gate=gate)
    await queue.work(handler, concurrency=2, timeout_ms=200)
    [own] = await queue.add_marked("own", timeout=600_000)
    [none] = await queue.add_marked("none")
    job = await queue.reaches(none, "failed")
    lab.check(
        "time" in (job.failed_reason or "").lower(),
        "failed_reason names the timeout of the worker",
        repr(job.failed_reason),
        jobs=[none],
    )
    lab.equal(
        (await queue.job(own)).state, "active", "state of the job with a timeout of its own", jobs=[own]
    )
    gate.open()
    await queue.reaches(own, "completed")


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


@rule("RTY-05")
@given(delays=st.lists(st.integers(60_000, 2**40), min_size=1, max_size=4))
@example(delays=[60_000, 2**31 - 1, 2**31, 2**32 + 1, 2**40])
@examples(5)
async def test_the_first_exponential_wait_is_the_delay_itself(lab: Lab, delays: list[int]) -> None:
    """Whatever its size, from a minute to thirty years: told by the `delayed` event, and kept."""
    queue = await lab.queue(f"first-waits{next(_numbers)}")
    delayed = await queue.listen("delayed")
    handler = lab.failing()
    await queue.work(handler)
    ids: list[str] = []
    for delay in delays:
        ids += [await queue.add(attempts=3, backoff=("exponential", delay))]
        await _is_told_to_rest(lab, delayed, handler, len(ids), delay)
        await queue.reaches(ids[-1], "delayed")
    await lab.canary(1)
    lab.equal(len(handler.runs), len(delays), "attempts while all jobs rest", jobs=ids)


async def _is_told_to_rest(lab: Lab, delayed: EventLog, handler: Recorder, number: int, delay: int) -> None:
    """The ``number``-th `delayed` event tells a due time ``delay`` ms after the latest failure."""
    what = f"after the first failure with an exponential backoff of {delay} ms, a `delayed` event"
    await lab.sees(
        lambda: len(delayed.payloads) >= number,
        expected=what,
        seen=lambda: f"{len(delayed.payloads)} events and {len(handler.runs)} attempts of {number} jobs",
    )
    due = field_of(delayed.payloads[-1], "delay")
    wait = due - (handler.runs[-1].ended_ms or 0) if isinstance(due, int | float) else None
    lab.check(
        wait is not None and abs(wait - delay) < 30_000,  # half of the shortest wait
        f"{what} whose due time is {delay} ms from now",
        f"its delay is {due!r}, which is {wait!r} ms from the failure",
    )


@rule("RTY-05")
async def test_each_exponential_wait_is_twice_the_one_before(lab: Lab) -> None:
    """From 30 ms: no attempt comes too early, and the fifth wait is 480 ms, no more."""
    queue = await lab.queue()
    heard_ms: list[float] = []
    delayed = await queue.listen("delayed", then=lambda _: heard_ms.append(time.time() * 1000))
    handler = lab.failing()
    await queue.work(handler)
    id = await queue.add(attempts=6, backoff=("exponential", 30))
    await handler.finished(5)
    for earlier, later in zip(handler.runs, handler.runs[1:], strict=False):
        wanted = 30 * 2 ** (earlier.number - 1)
        gap = later.started_ms - (earlier.ended_ms or 0)
        lab.check(
            gap >= wanted - CLOCK_MS,
            f"with an exponential backoff of 30 ms, the wait after failure {earlier.number} is {wanted} ms",
            f"the next attempt started after {gap:.0f} ms",
            jobs=[id],
        )
    await delayed.heard(5)
    due = field_of(delayed.payloads[4], "delay") or 0
    # It was fixed after the failure and before it was heard of: so a slow machine can't mislead.
    lab.check(
        due - (handler.runs[4].ended_ms or 0) > 280 and due - heard_ms[4] < 680,
        "the wait after failure 5 is 480 ms",
        f"the `delayed` event told a due time {due - heard_ms[4]:.0f} ms later",
        jobs=[id],
    )


@rule("RTY-06")
async def test_a_job_in_backoff_is_delayed_and_holds_no_slot(lab: Lab) -> None:
    """Three jobs rest at concurrency 2: two others still run at once, and the three stay delayed."""
    queue, gate = await lab.queue(), lab.gate()
    failing, good = lab.failing(), lab.handler(gate=gate, name="handler of the other jobs")
    await queue.work(failing, name="bad", concurrency=2)
    await queue.work(good, name="good")
    ids = await queue.add_marked(1, 2, name="bad", attempts=3, backoff=("fixed", 60_000))
    ids += await queue.add_marked(3, name="bad", attempts=3, backoff=("exponential", 60_000))
    for id in ids:
        await queue.reaches(id, "delayed")
    others = await queue.add_marked("a", "b", name="good")
    await good.started(2)
    lab.equal(
        sorted(await queue.ids(state=["delayed"])), sorted(ids), "delayed jobs while three rest", jobs=ids
    )
    lab.equal(sorted(await queue.ids(state=["active"])), sorted(others), "active jobs while two others run")
    gate.open()
    await good.finished(2)
    lab.equal(len(failing.runs), 3, "attempts at the three resting jobs", jobs=ids)
