"""RUN: the step events of the runner."""

from __future__ import annotations

from nq_conformance.lab import Lab, Run
from nq_conformance.suite.rules import rule


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
