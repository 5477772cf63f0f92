"""RTY: attempts, backoff, timeout, retention."""

from __future__ import annotations

import copy
import time
from itertools import count
from typing import Any, Literal, TypeAlias

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nq_conformance.lab import EventLog, Lab, Queue, Recorder, Run
from nq_conformance.lab.handlers import Body
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.json_values import same, values
from nq_conformance.suite.later import let_fall_due
from nq_conformance.suite.raised import (
    BEYOND_EXCEPTION,
    NOT_JSON,
    RECOVERABLE,
    UNRECOVERABLE,
    raises,
    returns,
)
from nq_conformance.suite.rules import rule
from nq_conformance.suite.series import CLOCK_MS

Outcome: TypeAlias = Literal["completed", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("completed", "failed")

_numbers = count(1)


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


@rule("RTY-03")
@pytest.mark.parametrize("backoff_ms", [0, 40])
async def test_a_success_ends_the_retries(lab: Lab, backoff_ms: int) -> None:
    """Two of six attempts fail, the third does not: no fourth, and no reason is left over."""
    queue = await lab.queue()
    completed = await queue.listen("completed")
    handler = lab.failing(times=2)
    await queue.work(handler)
    backoff = ("fixed", backoff_ms) if backoff_ms else None
    id = await queue.add("done", attempts=6, backoff=backoff)
    await queue.reaches(id, "completed")
    await let_fall_due(lab, backoff_ms)
    job = await queue.job(id)
    lab.equal(len(handler.runs), 3, "calls of a handler that succeeds in attempt 3 of 6", jobs=[id])
    lab.equal(
        (job.state, job.return_value, job.attempts_made, job.failed_reason),
        ("completed", "done", 3, None),
        "state, result, attempts_made and failed_reason after success in attempt 3",
        jobs=[id],
    )
    lab.equal(completed.job_ids, [id], "`completed` events", jobs=[id])


@rule("RTY-03")
async def test_the_reason_is_that_of_the_last_attempt(lab: Lab) -> None:
    """Each attempt has a reason of its own, with and without backoff; the last is kept and told."""
    queue = await lab.queue()
    failed = await queue.listen("failed")

    async def body(run: Run) -> None:
        raise RuntimeError(f"reason of attempt {run.ctx.attempt}")

    await queue.work(lab.handler(body))
    for number, backoff in enumerate((None, ("fixed", 20)), start=1):
        id = await queue.add(attempts=3, backoff=backoff)
        job = await queue.reaches(id, "failed")
        lab.equal(job.failed_reason, "reason of attempt 3", "failed_reason after three failures", jobs=[id])
        told = field_of((await failed.heard(number))[-1], "failed_reason")
        lab.equal(told, "reason of attempt 3", "failed_reason that the `failed` event tells", jobs=[id])


@rule("RTY-03")
async def test_a_job_in_backoff_tells_why_it_rests(lab: Lab) -> None:
    """The first of its attempts is the last so far: its reason is there while the job is delayed."""
    queue = await lab.queue()
    await queue.work(lab.failing("not yet"))
    id = await queue.add(attempts=2, backoff=("fixed", 60_000))
    job = await queue.reaches(id, "delayed")
    lab.equal(job.failed_reason, "not yet", "failed_reason after the first of two attempts", jobs=[id])


@rule("RTY-03")
async def test_a_last_attempt_that_times_out_has_its_own_reason(lab: Lab) -> None:
    """The first attempt raises, the second hangs: the reason is the timeout."""
    queue, gate = await lab.queue(), lab.gate()

    async def body(run: Run) -> None:
        if run.number == 1:
            raise RuntimeError("first attempt")
        await gate.passed()

    await queue.work(lab.handler(body))
    id = await queue.add(attempts=2, timeout=200)
    job = await queue.reaches(id, "failed")
    lab.check(
        bool(job.failed_reason) and "first attempt" not in str(job.failed_reason),
        "failed_reason is that of attempt 2, which timed out",
        repr(job.failed_reason),
        jobs=[id],
    )


@rule("RTY-04")
async def test_fixed_backoff_waits_its_delay_after_each_failure(lab: Lab) -> None:
    """No attempt begins earlier than the delay after the end of the one before; no wait is longer."""
    queue = await lab.queue()
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
        lab.check(
            rest <= 250 + CLOCK_MS,  # it was fixed before it was heard of: a slow machine makes it less
            f"the wait after failure {number} is 250 ms",
            f"the `delayed` event told a due time {rest:.0f} ms later",
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


@rule("RTY-08")
@given(items=st.lists(values, max_size=3))
@example(items=[1, {"a": [2, {"b": None}]}, []])
@examples(8)
async def test_each_attempt_is_given_the_data_as_it_was_enqueued(lab: Lab, items: list[Any]) -> None:
    """Each of three attempts spoils all that it is given, with and without backoff; a second job
    has the same payload."""
    queue = await lab.queue(f"spoilt{next(_numbers)}")
    data = {"items": items, "count": 0}
    given_data: list[Any] = []

    async def body(run: Run) -> None:
        given_data.append(copy.deepcopy(run.data))
        _spoil(run.data)
        raise RuntimeError("again")

    await queue.work(lab.handler(body))
    for backoff in (None, ("fixed", 1)):
        given_data.clear()
        id = await queue.add(data, attempts=3, backoff=backoff)
        job = await queue.reaches(id, "failed")
        lab.equal(len(given_data), 3, "attempts", jobs=[id])
        for number, seen in enumerate(given_data, start=1):
            lab.check(same(seen, data), f"attempt {number} is given {data!r}", repr(seen), jobs=[id])
        lab.check(same(job.data, data), f"the job's data is still {data!r}", repr(job.data), jobs=[id])


@rule("RTY-09")
async def test_an_unrecoverable_error_fails_the_job_at_once(lab: Lab) -> None:
    """Known by its class, its name or its attribute; with and without backoff."""
    queue = await lab.queue()
    handlers = {kind: lab.handler(raises(make)) for kind, make in UNRECOVERABLE.items()}
    for number, (kind, handler) in enumerate(handlers.items()):
        await queue.work(handler, name=kind)
        backoff = ("fixed", 10) if number % 2 else None
        id = await queue.add(name=kind, attempts=3, backoff=backoff)
        job = await queue.reaches(id, "failed")
        lab.equal(job.attempts_made, 1, f"attempts_made after {kind} in the first of 3 attempts", jobs=[id])
        lab.equal(job.failed_reason, str(UNRECOVERABLE[kind]()), f"failed_reason after {kind}", jobs=[id])
    await lab.canary()
    calls = {kind: len(handler.runs) for kind, handler in handlers.items()}
    lab.equal(calls, dict.fromkeys(handlers, 1), "calls of the handler that raises it")


@rule("RTY-09")
async def test_an_error_that_only_looks_unrecoverable_is_retried(lab: Lab) -> None:
    """Its attribute is false, or only its message has the word."""
    queue = await lab.queue()
    for kind, make in RECOVERABLE.items():
        await queue.work(lab.handler(raises(make)), name=kind)
        id = await queue.add(name=kind, attempts=3)
        job = await queue.reaches(id, "failed")
        lab.equal(job.attempts_made, 3, f"attempts_made after {kind} in each of 3 attempts", jobs=[id])


@rule("RTY-11")
@pytest.mark.parametrize("outcome", ["completed", "failed"])
async def test_a_job_that_is_to_be_removed_goes_at_its_end_and_alone(lab: Lab, outcome: Outcome) -> None:
    """Jobs that ended before and after it, in either state, stay, as do those of another queue."""
    queue, other = await lab.queue(), await lab.queue()
    ended = await queue.listen(outcome)
    for q in (queue, other):
        await q.work(lab.handler(), name="completed")
        await q.work(lab.failing(), name="failed")
    kept = [await _ended(queue, "completed"), await _ended(queue, "failed")]
    elsewhere = [await _ended(other, "completed"), await _ended(other, "failed")]
    kept += [await queue.add(delay=60_000)]
    before = len(ended.payloads)
    gone = await queue.add(name=outcome, **_removal(outcome, True))
    await ended.heard(before + 1)
    await _is_gone(lab, queue, gone)
    kept += [await _ended(queue, "completed"), await _ended(queue, "failed")]
    lab.equal(
        sorted(await queue.ids()), sorted(kept), f"jobs of the queue, one {outcome} removed", jobs=[gone]
    )
    lab.equal(sorted(await other.ids()), sorted(elsewhere), "jobs of the other queue", jobs=[gone])
    lab.equal(ended.job_ids.count(gone), 1, f"`{outcome}` events of the removed job", jobs=[gone])


@rule("RTY-11")
async def test_a_failure_that_is_retried_is_not_the_end(lab: Lab) -> None:
    """A job stays while it rests, and another while its second attempt runs; it is gone after that."""
    queue, gate = await lab.queue(), lab.gate()

    async def body(run: Run) -> None:
        if run.data == "retried" and run.ctx.attempt == 2:
            await gate.passed()
        raise RuntimeError("in vain")

    handler = lab.handler(body)
    await queue.work(handler)
    options: dict[str, Any] = {"attempts": 2, "remove_on_fail": True, "remove_on_complete": True}
    resting = await queue.add("rests", backoff=("fixed", 60_000), **options)
    await queue.reaches(resting, "delayed")
    id = await queue.add("retried", **options)
    await handler.started(3)
    lab.equal((await queue.job(id)).state, "active", "state of a job in its second attempt", jobs=[id])
    gate.open()
    await _is_gone(lab, queue, id)
    lab.equal(await queue.ids(), [resting], "jobs left, one of them still to be retried", jobs=[resting])


@rule("RTY-11")
async def test_each_option_removes_at_its_own_end_alone(lab: Lab) -> None:
    """remove_on_complete leaves a failed job, remove_on_fail a completed one."""
    queue = await lab.queue()
    await queue.work(lab.handler(), name="completed")
    await queue.work(lab.failing(), name="failed")
    failed = await _ended(queue, "failed", remove_on_complete=True)
    completed = await _ended(queue, "completed", remove_on_fail=True)
    gone = await queue.add(name="completed", remove_on_complete=True)
    await _is_gone(lab, queue, gone)
    lab.equal(sorted(await queue.ids()), sorted([failed, completed]), "jobs left", jobs=[failed, completed])


@rule("RTY-12")
@pytest.mark.parametrize("outcome", ["completed", "failed"])
async def test_the_newest_that_ended_are_kept(lab: Lab, outcome: Outcome) -> None:
    """Of seven jobs with a retention of 3 the last three stay; other queues and states don't count."""
    queue, other = await lab.queue(), await lab.queue()
    opposite: Outcome = "failed" if outcome == "completed" else "completed"
    for q in (queue, other):
        await q.work(lab.handler(), name="completed", concurrency=1)
        await q.work(lab.failing(), name="failed")
    unlimited = [await _ended(queue, opposite) for _ in range(4)]
    await _ended_apart(lab, other, outcome, 3, times=2)
    ids = await _ended_apart(lab, queue, outcome, 3, times=7)
    await _ended_apart(lab, other, outcome, 3, times=2)
    await _has_left(lab, queue, outcome, ids[-3:])
    await _has_left(lab, queue, opposite, unlimited)
    lab.equal(len(await other.ids()), 3, f"jobs of the other queue, where four {outcome} and 3 are kept")


@rule("RTY-12")
async def test_the_newest_is_the_one_that_ended_last(lab: Lab) -> None:
    """The first of four jobs is the last to end: with a retention of 2 it stays."""
    queue, gate = await lab.queue(), lab.gate()
    slow = lab.handler(gate=gate)
    await queue.work(slow, name="slow", concurrency=2)
    await queue.work(lab.handler(), name="completed")
    last = await queue.add(name="slow", remove_on_complete=2)
    await slow.started(1)
    ids = await _ended_apart(lab, queue, "completed", 2, times=3)
    gate.open()
    await slow.finished(1)
    await _has_left(lab, queue, "completed", [ids[-1], last])


@rule("RTY-12")
async def test_a_retention_of_one_is_not_taken_for_true(lab: Lab) -> None:
    """1 keeps the newest, and does not remove the job itself."""
    queue = await lab.queue()
    await queue.work(lab.handler(), name="completed")
    await queue.work(lab.failing(), name="failed")
    for outcome in OUTCOMES:
        ids = await _ended_apart(lab, queue, outcome, 1, times=2)
        await _has_left(lab, queue, outcome, ids[-1:])
    await lab.canary(1)
    lab.equal(len(await queue.ids()), 2, "jobs left, one completed and one failed")


@rule("RTY-13")
async def test_what_is_raised_outside_of_exception_fails_the_attempt_alone(lab: Lab) -> None:
    """Cancelled by itself, or with a class of its own: retried, failed, and the slots are free."""
    await _costs_one_job_only(lab, {what: raises(make) for what, make in BEYOND_EXCEPTION.items()})


@rule("RTY-13")
async def test_a_result_that_json_cannot_hold_fails_the_attempt_alone(lab: Lab) -> None:
    """Objects, sets, bytes, dates, NaN, cycles, broken text: retried, failed, and the slots are free."""
    await _costs_one_job_only(lab, {f"returns {what}": returns(bad) for what, bad in NOT_JSON.items()})


@rule("RTY-13")
async def test_a_handler_that_exits_fails_the_attempt_alone(lab: Lab) -> None:
    """As sys.exit does. Once only: an adapter that lets it out ends this test's event loop with it,
    and a second time would hit a test that is not to blame."""
    await _costs_one_job_only(lab, {"calls sys.exit(3)": raises(lambda: SystemExit(3))}, attempts=1)


async def _costs_one_job_only(lab: Lab, bodies: dict[str, Body], attempts: int = 2) -> None:
    """Run a job with so many attempts for each body, then two jobs at once on the two slots."""
    queue, gate = await lab.queue(), lab.gate()
    good = lab.handler(gate=gate, name="handler of the jobs after it")
    await queue.work(good, name="good", concurrency=2)
    for what, body in bodies.items():
        handler = lab.handler(body)
        await queue.work(handler, name=what)
        id = await queue.add(name=what, attempts=attempts)
        job = await queue.reaches(id, "completed", "failed")
        lab.equal(
            (job.state, len(handler.runs), job.attempts_made),
            ("failed", attempts, attempts),
            f"state, calls and attempts_made of a job with attempts={attempts} whose handler {what}",
            jobs=[id],
        )
        lab.check(bool(job.failed_reason), "it has a failed_reason", repr(job.failed_reason), jobs=[id])
    ids = await queue.add_marked("a", "b", name="good")
    await good.started(2)
    gate.open()
    for id in ids:
        await queue.reaches(id, "completed")
    lab.equal(await queue.ids(state=["active"]), [], "active jobs when all is done")


def _spoil(value: Any) -> None:
    """Change whatever can be changed in a JSON value."""
    if isinstance(value, dict):
        for inner in value.values():
            _spoil(inner)
        value["spoilt"] = True
        value.pop("items", None)
    elif isinstance(value, list):
        for inner in value:
            _spoil(inner)
        value.append("spoilt")


def _removal(outcome: Outcome, keep: bool | int) -> dict[str, Any]:
    return {"remove_on_complete" if outcome == "completed" else "remove_on_fail": keep}


async def _ended(queue: Queue, outcome: Outcome, **opts: Any) -> str:
    """A job that has ended so; handlers of these names do it."""
    id = await queue.add(name=outcome, **opts)
    await queue.reaches(id, outcome)
    return id


async def _ended_apart(lab: Lab, queue: Queue, outcome: Outcome, keep: int, *, times: int) -> list[str]:
    """Jobs with this retention that end one after the other, no two in the same millisecond."""
    ids: list[str] = []
    ended = await queue.listen(outcome)
    for number in range(1, times + 1):
        ids += [await queue.add(name=outcome, **_removal(outcome, keep))]
        await ended.heard(number)
        await _the_clock_has_moved(lab)
    ended.unsubscribe()
    return ids


async def _the_clock_has_moved(lab: Lab) -> None:
    began_ms = time.time() * 1000

    async def moved() -> bool:
        return time.time() * 1000 > began_ms + CLOCK_MS

    await lab.eventually(moved, expected="the clock goes on", seen=lambda: "it stands still")


async def _is_gone(lab: Lab, queue: Queue, id: str) -> None:
    async def gone() -> bool:
        return await queue.get(id) is None

    await lab.eventually(
        gone,
        expected=f"get_job of {id!r}, a job to be removed at its end, gives None",
        seen=lambda: "it is still there",
        jobs=(id,),
    )


async def _has_left(lab: Lab, queue: Queue, outcome: Outcome, wanted: list[str]) -> None:
    """Wait until these, the newest, are the jobs in that state."""
    left: list[str] = []

    async def there() -> bool:
        left[:] = await queue.ids(state=[outcome])
        return sorted(left) == sorted(wanted)

    await lab.eventually(
        there,
        expected=f"of the {outcome} jobs the newest {len(wanted)} are kept: {wanted}",
        seen=lambda: f"kept are {left}",
        jobs=wanted,
    )
