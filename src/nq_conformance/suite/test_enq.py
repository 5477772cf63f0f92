"""ENQ: enqueue, and that what goes in comes out."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import given

from nq_conformance.lab import Lab, Queue
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.json_values import TRICKY, same, values
from nq_conformance.suite.rules import rule

_names = count(1)


@rule("ENQ-02")
async def test_an_enqueued_job_is_found_at_once(lab: Lab) -> None:
    """get_job right after each of several enqueues, on two queues, finds name and data."""
    for queue in (await lab.queue(), await lab.queue()):
        for number, name in enumerate(("first", "second", "third")):
            id = await queue.add({"n": number}, name=name)
            job = await queue.job(id)
            lab.equal((job.id, job.name, job.data), (id, name, {"n": number}), "id, name and data", jobs=[id])
            lab.check(job.state in ("waiting", "paused"), "it is waiting", job.state, jobs=[id])


@rule("ENQ-05")
async def test_a_given_job_id_is_the_jobs_id(lab: Lab) -> None:
    """Ids of several forms come back from enqueue and from get_job as they were given."""
    queue = await lab.queue()
    for given_id in ("order-42", "Ünïcode id", "a" * 200, "a.b/c d"):
        returned = await queue.add({"id": given_id}, job_id=given_id)
        lab.equal(returned, given_id, "enqueue returns the job_id")
        job = await queue.job(given_id)
        lab.equal((job.id, job.data), (given_id, {"id": given_id}), "the job's id and data", jobs=[given_id])


@rule("ENQ-06")
async def test_the_job_id_of_a_job_that_is_kept_adds_nothing(lab: Lab) -> None:
    """A second enqueue while the first job waits or is delayed changes nothing and is silent."""
    queue = await lab.queue()
    waiting = await queue.listen("waiting")
    await queue.add("first", job_id="a")
    await queue.add("first", job_id="b", delay=60_000)
    await _enqueue_again(lab, queue, "a", "waiting")
    await _enqueue_again(lab, queue, "b", "delayed")
    last = await queue.add("canary")
    await waiting.heard(2)
    lab.equal(waiting.job_ids, ["a", last], "`waiting` events of a, of the repeats, and of a last job")
    lab.equal(sorted(await queue.ids()), sorted(["a", "b", last]), "all jobs of the queue")


@rule("ENQ-06")
async def test_the_job_id_of_a_finished_job_adds_nothing(lab: Lab) -> None:
    """A second enqueue after the first job has completed or failed runs nothing."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue()
    done, failed = lab.handler(), lab.failing()
    await queue.work(done, name="done")
    await queue.work(failed, name="failed")
    await queue.add("first", name="done", job_id="a")
    await queue.add("first", name="failed", job_id="b")
    await queue.reaches("a", "completed")
    await queue.reaches("b", "failed")
    await _enqueue_again(lab, queue, "a", "completed", name="done")
    await _enqueue_again(lab, queue, "b", "failed", name="failed")
    await queue.add("canary", name="done")
    await done.finished(2)
    lab.equal(
        [run.data for run in done.runs], ["first", "canary"], "runs of the completed job and of a last one"
    )
    lab.equal(len(failed.runs), 1, "runs of the failed job", jobs=["b"])


@rule("ENQ-11")
async def test_every_json_value_comes_back_unchanged(lab: Lab) -> None:
    """Values that adapters have lost: empty ones, falsy ones, odd keys, odd text."""
    queue = await lab.queue()
    for value in TRICKY:
        await _round_trip(lab, queue, value)


@rule("ENQ-11")
@given(value=values)
@examples(40)
async def test_any_json_value_comes_back_unchanged(lab: Lab, value: Any) -> None:
    """Values that nobody thought of."""
    await _round_trip(lab, await lab.queue(f"any{next(_names)}"), value)


@rule("ENQ-11")
async def test_a_handler_is_given_every_json_value_unchanged(lab: Lab) -> None:
    """The same values as a handler sees them."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue()
    handler = await queue.handled()
    for number, value in enumerate(TRICKY, start=1):
        id = await queue.add(value)
        await handler.finished(number)
        seen = handler.runs[-1].data
        lab.check(same(seen, value), f"the handler is given {value!r}", repr(seen), jobs=[id])


async def _round_trip(lab: Lab, queue: Queue, value: Any) -> None:
    id = await queue.add(value)
    data = (await queue.job(id)).data
    lab.check(same(data, value), f"the job's data is {value!r}", repr(data), jobs=[id])


async def _enqueue_again(lab: Lab, queue: Queue, id: str, state: str, name: str = "other") -> None:
    before = await queue.job(id)
    returned = await queue.add("second", name=name, job_id=id, priority=7)
    lab.equal(returned, id, f"enqueue with the id of a {state} job returns that id", jobs=[id])
    after = await queue.job(id)
    lab.equal(
        (after.name, after.data, after.state, after.opts.priority),
        (before.name, "first", state if state != "waiting" else before.state, 0),
        f"name, data, state and priority of the {state} job after a second enqueue",
        jobs=[id],
    )
