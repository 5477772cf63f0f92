"""RUN: the step events of the runner."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from nq_conformance.contract import StepEvent
from nq_conformance.lab import Lab, Queue, Run
from nq_conformance.lab.queue import JOB, field_of
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.json_values import same, values
from nq_conformance.suite.payloads import of_flow
from nq_conformance.suite.raised import HARD_TO_TELL, raises
from nq_conformance.suite.rules import rule

OUTCOMES = ("step.completed", "step.retry", "step.failed")
NO_DICTS: tuple[Any, ...] = (
    *(None, True, False, 0, 7, 1.5, "", "text", "flow_id"),
    *([], [1], ["flow_id", "flow_name"], [["flow_id", "x"]], [{"flow_id": "x"}]),
)
"""Payloads in which nothing can be looked up by name."""

_numbers = count(1)
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


@rule("RUN-01")
async def test_each_attempt_tells_its_start_and_one_outcome(lab: Lab) -> None:
    """Two failures and a success: started before the handler, then exactly one outcome, each time."""
    queue = await lab.queue()
    started: list[int] = []

    async def body(run: Run) -> None:
        started.append(len(lab.bus.of("step.started")))
        if run.number < 3:
            raise RuntimeError("not yet")

    await queue.work(lab.handler(body))
    id = await queue.add(attempts=3)
    await queue.reaches(id, "completed")
    lab.equal(started, [1, 2, 3], "step.started events when attempts 1, 2 and 3 begin", jobs=[id])
    await _outcomes(lab, JOB, 3, id)  # told once it is recorded, it may come a little later
    told = [event.type for event in lab.bus.of("step.started", "step.completed", "step.retry", "step.failed")]
    wanted = ["step.started", "step.retry"] * 2 + ["step.started", "step.completed"]
    lab.equal(told, wanted, "step events", jobs=[id])


@rule("RUN-02")
async def test_retry_is_told_if_another_attempt_follows_and_failed_if_none_does(lab: Lab) -> None:
    """A job with two attempts and one with one, both in vain."""
    queue = await lab.queue()
    await queue.work(lab.failing(), name="twice")
    await queue.work(lab.failing(), name="once")
    ids = [await queue.add(name="twice", attempts=2), await queue.add(name="once")]
    for id in ids:
        await queue.reaches(id, "failed")
    for name, wanted in (("twice", ["step.retry", "step.failed"]), ("once", ["step.failed"])):
        await _outcomes(lab, name, len(wanted), *ids)
        told = [event.type for event in lab.bus.of("step.retry", "step.failed", step_name=name)]
        lab.equal(told, wanted, f"retry and failed events of the job {name!r}", jobs=ids)


@rule("RUN-05")
async def test_a_broken_event_bus_neither_fails_nor_repeats_a_job(lab: Lab) -> None:
    """The bus raises at every event: the job completes in its first attempt."""
    queue = await lab.queue()
    lab.bus.broken = True
    handler = await queue.handled()
    id = await queue.add("value", attempts=3)
    job = await queue.reaches(id, "completed", "failed")
    lab.equal((job.state, job.return_value), ("completed", "value"), "state and result", jobs=[id])
    await lab.canary()
    lab.equal(len(handler.runs), 1, "calls of the handler", jobs=[id])
    lab.check(
        bool(lab.bus.of("step.started") and lab.bus.of("step.completed")),
        "the bus is given step.started and step.completed",
        str([event.type for event in lab.bus.events]),
    )


@rule("RUN-05")
async def test_a_broken_event_bus_does_not_change_how_a_job_fails(lab: Lab) -> None:
    """The bus raises at every event: the handler's own error is the reason."""
    queue = await lab.queue()
    lab.bus.broken = True
    await queue.work(lab.failing("the handler's own"))
    id = await queue.add(attempts=2)
    job = await queue.reaches(id, "failed")
    lab.equal(
        (job.failed_reason, job.attempts_made), ("the handler's own", 2), "reason and attempts", jobs=[id]
    )


@rule("RUN-03")
@given(flow_id=_texts, name=_texts)
@example(flow_id="flow-1", name="a step__attempt-7")
@example(flow_id="a__b", name="作業: {x}/%s")
@examples(8)
async def test_all_events_of_an_attempt_have_its_step_id(lab: Lab, flow_id: str, name: str) -> None:
    """Three attempts, two in vain; whatever flow and job are called."""
    queue = await lab.queue("steps")
    name = f"{name}{next(_numbers)}"

    async def body(run: Run) -> None:
        if run.number < 3:
            raise RuntimeError("not yet")

    handler = lab.handler(body)
    await queue.work(handler, name=name)
    id = await queue.add(of_flow(flow_id), name=name, attempts=3)
    await queue.reaches(id, "completed")
    events = await _outcomes(lab, name, 3, id)
    ids = [f"{flow_id}__{name}__attempt-{number}" for number in (1, 2, 3)]
    told = [(e.type, e.step_id) for e in lab.bus.of("step.started", step_name=name)]
    lab.equal(told, [("step.started", step_id) for step_id in ids], "step_id of step.started", jobs=[id])
    kinds = ("step.retry", "step.retry", "step.completed")
    lab.equal(
        [(e.type, e.step_id) for e in events],
        list(zip(kinds, ids, strict=True)),
        "step_id of outcomes",
        jobs=[id],
    )
    lab.equal([run.ctx.step_id for run in handler.runs], ids, "ctx.step_id in attempts 1, 2 and 3", jobs=[id])


@rule("RUN-03")
async def test_step_ids_of_jobs_that_run_at_once_are_not_mixed_up(lab: Lab) -> None:
    """Three flows have the same step under way; each attempt tells its own id at start and end."""
    queue, gate = await lab.queue(), lab.gate()

    async def body(run: Run) -> None:
        if run.number <= 3:
            raise RuntimeError("once each")

    handler = lab.handler(body, gate=gate)
    await queue.work(handler, name="step", concurrency=3)
    flows = ("flow-1", "flow-2", "flow-3")
    ids = [await queue.add(of_flow(flow), name="step", attempts=2) for flow in flows]
    await handler.started(3)
    gate.open()
    for id in ids:
        await queue.reaches(id, "completed")
    await _outcomes(lab, "step", 6, *ids)
    for flow in flows:
        told = [(e.type, e.step_id) for e in lab.bus.of(step_name="step") if e.run_id == flow]
        first, second = f"{flow}__step__attempt-1", f"{flow}__step__attempt-2"
        wanted = [("step.started", first), ("step.retry", first)]
        wanted += [("step.started", second), ("step.completed", second)]
        lab.equal(told, wanted, f"step events of {flow}", jobs=ids)


@rule("RUN-04")
async def test_a_job_without_a_flow_gets_one_that_all_its_attempts_share(lab: Lab) -> None:
    """With and without backoff, and whatever the payload is; no two jobs share one."""
    queue, other = await lab.queue(), await lab.queue()
    handler = lab.failing()
    flows: list[str] = []
    for q in (queue, other):
        await q.work(handler, name="step")
        for number, data in enumerate(({}, {"n": 1}, {"n": 1}, None, "text")):
            backoff = ("fixed", 5) if number % 2 else None
            before = len(handler.runs)
            id = await q.add(data, name="step", job_id=f"job-{number}", attempts=3, backoff=backoff)
            await q.reaches(id, "failed")
            seen = {run.ctx.flow_id for run in handler.runs[before:]}
            what = f"flow_id in 3 attempts at a job with the payload {data!r}"
            lab.check(len(handler.runs) == before + 3, "3 attempts", len(handler.runs) - before, jobs=[id])
            lab.check(len(seen) == 1, f"one {what}", f"{len(seen)}: {sorted(map(str, seen))}", jobs=[id])
            flows += seen
            lab.check(bool(flows[-1]), f"text as the {what}", repr(flows[-1]))
    lab.check(len(set(flows)) == 10, "ten jobs on two queues have ten flows", f"{len(set(flows))}: {flows}")
    events = await _outcomes(lab, "step", 30)
    told = {e.run_id for e in [*events, *lab.bus.of("step.started", step_name="step")]}
    lab.equal(told, set(flows), "run_id of all step events")


@rule("RUN-06")
async def test_retry_and_failed_tell_the_error_whatever_it_is(lab: Lab) -> None:
    """Ordinary errors, wordless ones, and one that raises when asked for its words."""
    queue = await lab.queue()
    for kind, (make, words) in HARD_TO_TELL.items():
        await queue.work(lab.handler(raises(make)), name=kind)
        id = await queue.add(name=kind, attempts=2)
        await queue.reaches(id, "failed", "completed")
        events = await _outcomes(lab, kind, 2, id)
        types = [event.type for event in events]
        lab.equal(
            types, ["step.retry", "step.failed"], f"outcomes of two attempts that raise {kind}", jobs=[id]
        )
        for event in events:
            _tells(lab, event, words, type(make()).__name__, id)


@rule("RUN-07")
async def test_the_runner_takes_payloads_that_are_no_dict(lab: Lab) -> None:
    """Lists, text, numbers and nothing: told as started and completed, in a flow with id and name."""
    queue = await lab.queue()
    for data in NO_DICTS:
        await _is_run(lab, queue, data)


@rule("RUN-07")
@given(value=values)
@example(value=[["flow_id", "x"]])
@examples(15)
async def test_the_runner_takes_any_payload(lab: Lab, value: Any) -> None:
    """Values that nobody thought of."""
    await _is_run(lab, await lab.queue("any-payload"), value)


@rule("RUN-07")
async def test_the_runner_takes_no_value_but_text_for_a_flow(lab: Lab) -> None:
    """flow_id and flow_name that are numbers, lists, dicts or null are as good as none."""
    queue = await lab.queue()
    for odd in (None, 7, True, ["flow"], {"id": "flow"}):
        data = {"flow_id": odd, "flow_name": odd, "flowId": odd, "flowName": odd}
        await _is_run(lab, queue, data)


@rule("RUN-07")
async def test_the_failure_of_a_job_without_a_dict_is_told(lab: Lab) -> None:
    """A list, and a handler that raises: retried, then failed for the handler's own reason."""
    queue = await lab.queue()
    await queue.work(lab.failing("the handler's own"), name="fails")
    id = await queue.add(["a", "list"], name="fails", attempts=2)
    job = await queue.reaches(id, "failed", "completed")
    lab.equal(
        (job.state, job.failed_reason), ("failed", "the handler's own"), "state and failed_reason", jobs=[id]
    )
    told = [event.type for event in await _outcomes(lab, "fails", 2, id)]
    lab.equal(told, ["step.retry", "step.failed"], "outcomes of its two attempts", jobs=[id])


@rule("RUN-08")
async def test_a_missing_handler_is_told_once_as_failed_at_the_end(lab: Lab) -> None:
    """Jobs of one, two and three attempts, with and without a flow."""
    queue = await lab.queue()
    await queue.handled(name="known")
    for attempts, data in ((1, of_flow("flow-1")), (2, ["no flow"]), (3, of_flow("flow-3"))):
        name = f"nobody {attempts}"
        id = await queue.add(data, name=name, attempts=attempts)
        await queue.reaches(id, "failed")
        await _outcomes(lab, name, 1, id)
        await lab.canary(1)
        told = [event.type for event in lab.bus.of("step.completed", "step.failed", step_name=name)]
        lab.equal(
            told, ["step.failed"], f"final step events after {attempts} attempts without a handler", jobs=[id]
        )
        [event] = lab.bus.of("step.failed", step_name=name)
        flow = data["flow_id"] if isinstance(data, dict) else event.run_id
        lab.equal(event.step_id, f"{flow}__{name}__worker-error", "its step_id", jobs=[id])
        lab.check(
            name in str(field_of(event.data, "error")),
            f"its error names {name!r}",
            repr(field_of(event.data, "error")),
            jobs=[id],
        )


@rule("RUN-08")
async def test_a_missing_handler_is_not_told_as_failed_while_an_attempt_is_left(lab: Lab) -> None:
    """The job rests after its first attempt: nothing has failed for good."""
    queue = await lab.queue()
    await queue.handled(name="known")
    id = await queue.add(name="nobody", attempts=2, backoff=("fixed", 60_000))
    await queue.reaches(id, "delayed")
    await lab.canary(1)
    told = [event.type for event in lab.bus.of("step.completed", "step.failed", step_name="nobody")]
    lab.equal(told, [], "final step events while the job rests", jobs=[id])


async def _outcomes(lab: Lab, name: str, count: int, *jobs: str) -> list[StepEvent]:
    """Wait until a step has told so many outcomes of attempts; returns all that it told."""

    def told() -> list[StepEvent]:
        return lab.bus.of(*OUTCOMES, step_name=name)

    await lab.sees(
        lambda: len(told()) >= count,
        expected=f"{count} outcome(s) told of the step {name!r}: step.completed, step.retry or step.failed",
        seen=lambda: str([event.type for event in told()]),
        jobs=jobs,
    )
    return told()


def _tells(lab: Lab, event: StepEvent, words: str, kind: str, id: str) -> None:
    """The event's error has the words, and its stack says what kind of error it was."""
    error, stack = field_of(event.data, "error"), field_of(event.data, "stack")
    lab.check(
        isinstance(error, str) and words in error,
        f"the error in {event.type} says {words!r}",
        repr(error),
        jobs=[id],
    )
    lab.check(
        isinstance(stack, str) and kind in stack,
        f"the stack in {event.type} names {kind}",
        repr(stack),
        jobs=[id],
    )


async def _is_run(lab: Lab, queue: Queue, data: Any) -> None:
    """A job with this payload is run and told of like any other."""
    name = f"step{next(_numbers)}"
    handler = await queue.handled(name=name)
    id = await queue.add(data, name=name)
    job = await queue.reaches(id, "completed", "failed")
    seen = (job.state, job.failed_reason)
    lab.equal(
        seen, ("completed", None), f"state and failed_reason of a job with the payload {data!r}", jobs=[id]
    )
    run = handler.runs[0]
    lab.check(same(run.data, data), f"its handler is given {data!r}", repr(run.data), jobs=[id])
    await _outcomes(lab, name, 1, id)
    told = [event.type for event in lab.bus.of("step.started", *OUTCOMES, step_name=name)]
    lab.equal(told, ["step.started", "step.completed"], f"step events with the payload {data!r}", jobs=[id])
    named = (run.ctx.flow_id, run.ctx.flow_name)
    lab.check(
        all(isinstance(part, str) and part for part in named),
        f"flow_id and flow_name in the context are text with the payload {data!r}",
        repr(named),
        jobs=[id],
    )
