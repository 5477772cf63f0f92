"""ENQ: what an adapter may offer beside enqueue, and has to declare."""

from __future__ import annotations

import math
from typing import Any

from nq_conformance.contract import JobInput
from nq_conformance.lab import Lab, Queue
from nq_conformance.lab.queue import job_of
from nq_conformance.suite.fields import differences, fields_of
from nq_conformance.suite.operations import operate
from nq_conformance.suite.rules import rule
from nq_conformance.suite.scenes import one_in_each_state

MANY: tuple[JobInput, ...] = (
    job_of("plain", None, {}),
    job_of("with data", {"deep": [1, None]}, {}),
    job_of("later", 2, {"delay": 60_000}),
    job_of("sooner", 3, {"priority": 7, "job_id": "own-id"}),
    job_of("again", 4, {"attempts": 3, "backoff": ("fixed", 20), "remove_on_fail": 5}),
)
NOT_SINGLE = ("id", "timestamp", "opts.job_id")
"""In what a job of a call of its own differs from the same among many."""

BAD: dict[str, JobInput] = {
    "a payload that JSON can't hold": job_of("job", math.nan, {}),
    "a negative delay": job_of("job", None, {"delay": -1}),
    "an empty name": job_of("", None, {}),
}


@rule("ENQ-17")
async def test_the_jobs_of_one_call_are_all_stored_in_their_order(lab: Lab) -> None:
    """Each is what a call of its own would have made of it; an id that is known is given back."""
    queue, singly = await lab.queue(), await lab.queue()
    ids = list(await operate(lab, queue, "enqueue_many", MANY))
    lab.equal(len(set(ids)), len(MANY), f"different ids for {len(MANY)} jobs", jobs=ids)
    lab.equal(ids[3], "own-id", "the id of a job with a job_id of its own", jobs=ids)
    lab.equal(sorted(await queue.ids()), sorted(ids), "all jobs of the queue", jobs=ids)
    for id, job in zip(ids, MANY, strict=True):
        alone = fields_of(await singly.job(await singly.provider.enqueue(singly.name, job)))
        differ = differences(fields_of(await queue.job(id)), alone, but=NOT_SINGLE)
        lab.equal(
            differ, [], f"fields of {job.name!r} that differ from the same job enqueued alone", jobs=[id]
        )
    again = list(await operate(lab, queue, "enqueue_many", MANY[3:4]))
    lab.equal(again, ["own-id"], "ids of a call with the same job_id again", jobs=ids)
    lab.equal(list(await operate(lab, queue, "enqueue_many", [])), [], "ids of a call without jobs")
    lab.equal(sorted(await queue.ids()), sorted(ids), "all jobs of the queue, after both calls", jobs=ids)


@rule("ENQ-17")
async def test_one_bad_job_among_many_keeps_all_of_them_out(lab: Lab) -> None:
    """It comes last: the call raises, and there is neither a job nor an event."""
    queue = await lab.queue()
    waiting = await queue.listen("waiting")
    for what, bad in BAD.items():
        call = operate(lab, queue, "enqueue_many", [*MANY[:2], bad])
        await lab.raises(call, f"enqueue_many of two good jobs and one with {what}")
        lab.equal(await queue.ids(), [], f"jobs of the queue after a call with {what}")
    id = await queue.add("canary")
    await waiting.heard(1)
    lab.equal(waiting.job_ids, [id], "job ids of `waiting` events, of the one job that was taken")


@rule("ENQ-18")
async def test_a_job_that_is_removed_is_gone_in_whatever_state_it_was(lab: Lab) -> None:
    """One after the other; each answers once that there was one, and not on another queue."""
    queue, other = await lab.queue(), await lab.queue()
    left = await one_in_each_state(lab, queue)
    lab.equal(await operate(lab, queue, "remove_job", "unknown"), False, "what remove_job of no job returns")
    for id, state in list(left.items()):
        elsewhere = await operate(lab, other, "remove_job", id)
        lab.equal(elsewhere, False, "what remove_job with the id of another queue's job returns", jobs=[id])
        removed = await operate(lab, queue, "remove_job", id)
        lab.equal(removed, True, f"what remove_job of a {state} job returns", jobs=[id])
        del left[id]
        await _check_left(lab, queue, left, f"a {state} job was removed")
        lab.equal(await operate(lab, queue, "remove_job", id), False, "what a second remove_job returns")


async def _check_left(lab: Lab, queue: Queue, left: dict[str, str], since: str) -> None:
    lab.equal(sorted(await queue.ids()), sorted(left), f"jobs that are left, after {since}")
    counts: Any = await queue.counts()
    states = ("waiting", "delayed", "completed", "failed", "active", "paused")
    counted = sum(getattr(counts, state) for state in states)
    lab.equal(counted, len(left), f"jobs that are counted, after {since}")


@rule("ENQ-18")
async def test_a_removed_job_never_runs_and_an_active_one_is_not_removed(lab: Lab) -> None:
    """One is at work, two wait and one is delayed; of the last three one may run."""
    if not lab.adapter.has_workers:
        return
    queue, gate = await lab.queue(), lab.gate()
    handler = lab.handler(gate=gate)
    await queue.work(handler, concurrency=1)
    active, second, third = await queue.add_marked(1, 2, 3)
    [delayed] = await queue.add_marked(4, delay=50)
    await handler.started(1)
    for id in (second, delayed):
        lab.equal(await operate(lab, queue, "remove_job", id), True, "what remove_job returns", jobs=[id])
    lab.equal(
        await operate(lab, queue, "remove_job", active), False, "what remove_job of an active job returns"
    )
    gate.open()
    for id in (active, third):
        await queue.reaches(id, "completed")
    await queue.add_marked(5, delay=60)
    await handler.finished(3)
    lab.equal(
        handler.marks, [1, 3, 5], "jobs that run, of which 2 and 4 were removed", jobs=[second, delayed]
    )
