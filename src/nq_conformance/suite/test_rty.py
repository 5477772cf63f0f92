"""RTY: attempts, and what ends them."""

from __future__ import annotations

import copy
from itertools import count
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nq_conformance.lab import Lab, Run
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


@rule("RTY-13")
async def test_what_is_raised_outside_of_exception_fails_the_attempt_alone(lab: Lab) -> None:
    """Cancelled by itself, or with a class of its own: retried, failed, and the slots are free."""
    await _costs_one_job_only(lab, {what: raises(make) for what, make in BEYOND_EXCEPTION.items()})


@rule("RTY-13")
async def test_a_result_that_json_cannot_hold_fails_the_attempt_alone(lab: Lab) -> None:
    """Objects, sets, bytes, dates, NaN, cycles, broken text: retried, failed, and the slots are free."""
    await _costs_one_job_only(
        lab, {f"returns {what}": returns(bad) for what, bad in NOT_JSON.items() if lab.can_give(bad)}
    )


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
