"""RPC: what has to be done before a result counts."""

from __future__ import annotations

import pytest

from nq_conformance.lab import Lab
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.rules import rule
from nq_conformance.suite.scripted import (
    CHILD,
    completed_with,
    each_runtime,
    failed_with,
    function,
    in_python,
    running,
    scripted,
)
from nq_conformance.suite.steps import (
    notice,
    result,
    write,
)


@rule("RPC-20")
@each_runtime
async def test_a_trigger_is_delivered_before_the_result(lab: Lab, runtime: str) -> None:
    """A notification and the reply in one write; the flow engine takes its time, and the job waits for it."""
    children = await scripted(lab, runtime)
    gate = lab.flow.gate = lab.gate()
    id = await children.start(write(notice("ctx.flow.emit", trigger="first"), result("done")))
    await lab.sees(
        lambda: bool(lab.flow.held),
        budget=CHILD,
        expected="the flow engine is given the trigger",
        seen=lambda: "nothing",
        jobs=[id],
    )
    await _is_held(lab, id, "the flow engine has not taken the trigger")
    gate.open()
    completed_with(lab, await children.ended(id), "done", "the job")
    lab.equal([trigger for trigger, _ in lab.flow.emitted], ["first"], "triggers of the flow engine")


@rule("RPC-20")
@each_runtime
async def test_logs_are_delivered_before_the_result(lab: Lab, runtime: str) -> None:
    """Fifty notifications and the reply in one write; the event bus takes its time with logs."""
    children = await scripted(lab, runtime)
    gate = lab.bus.log_gate = lab.gate()
    logs = [notice("ctx.logger.log", level="info", message=f"line {n}") for n in range(50)]
    id = await children.start(write(*logs, result("done")))
    await lab.sees(
        lambda: bool(lab.bus.held),
        budget=CHILD,
        expected="the event bus is given a log",
        seen=lambda: "none",
        jobs=[id],
    )
    await _is_held(lab, id, "the event bus has not taken the logs")
    gate.open()
    completed_with(lab, await children.ended(id), "done", "the job")
    step_id = lab.bus.held[0].step_id
    kinds = [event.type for event in lab.bus.of("log", "step.completed") if event.step_id == step_id]
    lab.equal(kinds, ["log"] * 50 + ["step.completed"], "events of the step, in order", jobs=[id])
    told = [field_of(event.data, "message") for event in lab.bus.of("log")]
    lab.equal(told, [f"line {n}" for n in range(50)], "messages of the logs, in order", jobs=[id])


async def _is_held(lab: Lab, id: str, why: str) -> None:
    """While other jobs run to their end, this one does not."""
    await lab.canary()
    told = [e.type for e in lab.bus.of("step.completed", "step.retry", "step.failed", step_name="job")]
    ours = [e for e in lab.bus.of("step.completed") if field_of(e.data, "result") == "done"]
    lab.check(not ours, f"the job is not completed while {why}", f"events {told}", jobs=[id])


@rule("RPC-20")
@in_python
async def test_a_function_has_said_all_when_its_job_completes(lab: Lab) -> None:
    """Twenty logs and triggers, the last ones right before it returns."""
    children = await running(lab, function("talks"))
    job = await children.ended(await children.queue.add({"times": 20}))
    completed_with(lab, job, "said all", "a function that logs and emits")
    told = [field_of(event.data, "message") for event in lab.bus.of("log")]
    lab.equal(told, [f"line {n}" for n in range(20)], "messages of `log` events, in order")
    emitted = [(trigger, payload.get("n")) for trigger, payload in lab.flow.emitted]
    lab.equal(emitted, [(f"trigger {n}", n) for n in range(20)], "triggers and their n, in order")


@rule("RPC-23")
@in_python
@pytest.mark.parametrize("kind", ["object", "set", "bytes", "cycle"])
async def test_a_result_that_json_cannot_hold_is_an_error(lab: Lab, kind: str) -> None:
    """The attempt fails for a reason that speaks of the result, not of a child that has ended."""
    children = await running(lab, function("returns_what_json_cannot_hold"))
    id = await children.queue.add({"kind": kind}, timeout=60_000)
    job = await children.ended(id)
    words = ("json", "serial", "circular")
    failed_with(
        lab,
        job,
        lambda reason: any(word in reason.lower() for word in words),
        "says that it is not JSON",
        f"a function that returns what JSON can't hold ({kind})",
    )
