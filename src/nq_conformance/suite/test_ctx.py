"""CTX: what a handler is given beside its input."""

from __future__ import annotations

from typing import Any

from nq_conformance.lab import Lab, Run
from nq_conformance.suite.rules import rule


@rule("CTX-01")
async def test_the_context_tells_who_and_where_the_attempt_is(lab: Lab) -> None:
    """Ids, names and the attempt's number, in the second of two attempts."""
    queue = await lab.queue()
    handler = lab.failing(times=1)
    await queue.work(handler, name="a step")
    id = await queue.add(of_flow("flow-1"), name="a step", attempts=2)
    await handler.finished(2)
    for number, run in enumerate(handler.runs, start=1):
        wanted = {
            "job_id": id,
            "queue": queue.name,
            "flow_id": "flow-1",
            "flow_name": "the flow",
            "step_name": "a step",
            "step_id": f"flow-1__a step__attempt-{number}",
            "attempt": number,
        }
        seen = {name: getattr(run.ctx, name, "missing") for name in wanted}
        lab.equal(seen, wanted, f"the context of attempt {number}", jobs=[id])


@rule("CTX-03")
async def test_state_is_shared_within_a_flow_and_kept_from_others(lab: Lab) -> None:
    """Two flows write the same key at the same time, then read it in another step."""
    queue, gate = await lab.queue(), lab.gate()

    async def write(run: Run) -> None:
        await run.ctx.state.set("key", run.data["flow_id"])
        await gate.passed()

    async def read(run: Run) -> Any:
        return await run.ctx.state.get("key")

    writer = lab.handler(write)
    await queue.work(writer, name="write", concurrency=2)
    await queue.work(lab.handler(read), name="read")
    flows = ("flow-a", "flow-b")
    for flow in flows:
        await queue.add(of_flow(flow), name="write")
    await writer.started(2)
    gate.open()
    await writer.finished(2)
    for flow in (*flows, "flow-c"):
        id = await queue.add(of_flow(flow), name="read")
        job = await queue.reaches(id, "completed", "failed")
        wanted = flow if flow in flows else None
        lab.equal(
            (job.state, job.return_value), ("completed", wanted), f"the key's value in {flow}", jobs=[id]
        )


@rule("CTX-03")
async def test_state_is_shared_by_the_attempts_of_a_job(lab: Lab) -> None:
    """The first attempt writes and fails, the second reads."""
    queue = await lab.queue()

    async def body(run: Run) -> Any:
        if run.number == 1:
            await run.ctx.state.set("progress", {"at": 7})
            raise RuntimeError("first attempt")
        return await run.ctx.state.get("progress")

    await queue.work(lab.handler(body))
    id = await queue.add(attempts=2)
    job = await queue.reaches(id, "completed", "failed")
    lab.equal((job.state, job.return_value), ("completed", {"at": 7}), "what attempt 2 reads", jobs=[id])


def of_flow(flow_id: str) -> dict[str, Any]:
    """A payload that names its flow, in both spellings that adapters read."""
    return {"flow_id": flow_id, "flow_name": "the flow", "flowId": flow_id, "flowName": "the flow"}
