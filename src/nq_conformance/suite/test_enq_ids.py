"""ENQ: ids that the caller gives: whose they are, and when they are free again."""

from __future__ import annotations

from itertools import count
from typing import Any

from nq_conformance.adapters import Capability
from nq_conformance.lab import Lab, Queue
from nq_conformance.suite.accepting import remove_job
from nq_conformance.suite.fields import differences, fields_of
from nq_conformance.suite.rules import rule

SEPARATORS = (":", "/", ".", "-", "_", "|", "%", "#", " ", "::", "%3A")

_names = count(1)


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


@rule("ENQ-06")
async def test_the_job_id_of_a_running_job_adds_nothing(lab: Lab) -> None:
    """A second enqueue while the first job runs, with other options: it runs once, and nothing is told."""
    if not lab.adapter.has_workers:
        return
    queue, gate = await lab.queue(), lab.gate()
    waiting, delayed = await queue.listen("waiting"), await queue.listen("delayed")
    handler = lab.handler(gate=gate)
    await queue.work(handler)
    await queue.add("first", job_id="a")
    await handler.started(1)
    before = fields_of(await queue.job("a"))
    returned = await queue.add("second", name="other", job_id="a", delay=60_000, attempts=5, priority=7)
    lab.equal(returned, "a", "enqueue with the id of a running job returns that id", jobs=["a"])
    changed = differences(fields_of(await queue.job("a")), before)
    lab.equal(changed, [], "fields of a running job that a second enqueue has changed", jobs=["a"])
    gate.open()
    await queue.reaches("a", "completed")
    last = await queue.add("canary")
    await handler.finished(2)
    await waiting.heard(2)
    lab.equal([run.data for run in handler.runs], ["first", "canary"], "runs of the job and of a last one")
    told = (waiting.job_ids, delayed.job_ids)
    what = "job ids of `waiting` and `delayed` events, of a job that was enqueued again while it ran"
    lab.equal(told, (["a", last], []), what, jobs=["a"])


@rule("ENQ-07")
async def test_one_job_id_may_be_used_on_several_queues(lab: Lab) -> None:
    """Three queues have a job of the same id, each with its own data, name and state."""
    queues = [await lab.queue() for _ in range(3)]
    delays = (0, 60_000, 0)
    for queue, delay in zip(queues, delays, strict=True):
        returned = await queue.add(queue.name, name=f"of {queue.name}", job_id="order-17", delay=delay)
        lab.equal(returned, "order-17", f"the id that enqueue returns on {queue.name}")
    for queue, delay in zip(queues, delays, strict=True):
        job = await queue.job("order-17")
        seen = (job.data, job.name, job.state == "delayed")
        wanted = (queue.name, f"of {queue.name}", delay > 0)
        lab.equal(seen, wanted, f"data, name and being delayed of order-17 on {queue.name}", jobs=[job.id])
        lab.equal(await queue.ids(), ["order-17"], f"all jobs of {queue.name}")


@rule("ENQ-07")
async def test_queue_and_job_id_are_told_apart_whatever_they_hold(lab: Lab) -> None:
    """A queue `a:b` with a job `c` beside a queue `a` with a job `b:c`, and so on for other characters."""
    for separator in SEPARATORS:
        name = f"q{next(_names)}"
        left, right = await lab.queue(f"{name}{separator}b"), await lab.queue(name)
        await left.add("left", job_id="c")
        await right.add("right", job_id=f"b{separator}c")
        for queue, id, data in ((left, "c", "left"), (right, f"b{separator}c", "right")):
            what = f"data of the job {id!r} on the queue {queue.name!r}"
            lab.equal((await queue.job(id)).data, data, what, jobs=[id])
            lab.equal(await queue.ids(), [id], f"all jobs of the queue {queue.name!r}", jobs=[id])


@rule("ENQ-07")
async def test_the_end_of_a_job_leaves_one_of_the_same_id_on_another_queue(lab: Lab) -> None:
    """One runs to its end and is removed while the other is running, which is found and completes."""
    if not lab.adapter.has_workers:
        return
    first, second = await lab.queue(), await lab.queue()
    gate = lab.gate()
    handler, heir = lab.handler(), lab.handler(gate=gate)
    await first.work(handler)
    await second.work(heir)
    await second.add({"n": "second"}, job_id="order-17")
    await heir.started()
    await first.add({"n": "first"}, job_id="order-17", remove_on_complete=True)
    await first.forgets("order-17")
    lab.equal((await second.job("order-17")).data, {"n": "second"}, "data of the other", jobs=["order-17"])
    gate.open()
    await second.reaches("order-17", "completed")
    lab.equal((handler.marks, heir.marks), (["first"], ["second"]), "runs on each queue", jobs=["order-17"])


@rule("ENQ-08")
async def test_the_id_of_a_job_removed_at_its_end_is_free_at_once(lab: Lab) -> None:
    """Several times in a row, for a job that completes, one that fails, and one pushed out by a newer."""
    queue = await lab.queue()
    good, bad = lab.handler(), lab.failing()
    await queue.work(good, name="good")
    await queue.work(bad, name="bad")
    for turn in range(1, 5):
        for handler, name, end in ((good, "good", "remove_on_complete"), (bad, "bad", "remove_on_fail")):
            opts: dict[str, Any] = {end: True}
            id = await queue.add({"n": turn}, name=name, job_id=f"sync-{name}", **opts)
            await lab.sees(
                lambda handler=handler, turn=turn: turn in handler.marks,  # type: ignore[misc]
                expected=f"{id!r} runs, enqueued after a job of that id was removed (turn {turn})",
                seen=lambda handler=handler: f"runs so far: {handler.marks}",  # type: ignore[misc]
                jobs=[id],
            )
            await queue.forgets(id)
    lab.equal((good.marks, bad.marks), ([1, 2, 3, 4], [1, 2, 3, 4]), "runs of both, by their turn")


@rule("ENQ-08")
async def test_the_id_of_a_job_pushed_out_by_a_newer_one_is_free_at_once(lab: Lab) -> None:
    """Two ids take turns on a queue that keeps one completed job."""
    queue = await lab.queue()
    handler = await queue.handled()
    for turn in range(1, 7):
        id, other = ("even", "odd") if turn % 2 == 0 else ("odd", "even")
        await queue.add({"n": turn}, job_id=id, remove_on_complete=1)
        await lab.sees(
            lambda turn=turn: turn in handler.marks,  # type: ignore[misc]
            expected=f"{id!r} runs, enqueued after a newer job had pushed it out (turn {turn})",
            seen=lambda: f"runs so far: {handler.marks}",
            jobs=[id],
        )
        await queue.reaches(id, "completed")
        await queue.forgets(other)


@rule("ENQ-08")
async def test_the_id_of_a_job_removed_by_hand_is_free_at_once(lab: Lab) -> None:
    """Where there is remove_job: after a waiting, a delayed or a later job, the new one is all there is."""
    queue = await lab.queue()
    all_opts: list[dict[str, Any]] = [{}, {"delay": 60_000}, {"priority": 3}, {}]
    for opts in all_opts:
        await queue.add({"n": "old"}, job_id="sync-user-17", **opts)
        if lab.claims(Capability.REMOVE_JOB):
            lab.equal(await remove_job(lab, queue, "sync-user-17"), True, "what remove_job returns")
            await queue.add({"n": "new"}, name="new", job_id="sync-user-17")
            job = await queue.job("sync-user-17")
            seen = (job.name, job.data, job.opts.priority, job.state in ("waiting", "paused"))
            lab.equal(seen, ("new", {"n": "new"}, 0, True), "name, data, priority, waiting", jobs=[job.id])
            lab.equal(await queue.ids(), [job.id], "all jobs of the queue")
            await remove_job(lab, queue, job.id)
    handler = await queue.handled()
    id = await queue.add({"n": "last"}, job_id="sync-user-17" if lab.claims(Capability.REMOVE_JOB) else None)
    await queue.reaches(id, "completed")
    await lab.canary(1)
    lab.check(
        handler.marks.count("last") == 1 and "new" not in handler.marks,
        "the last job runs once, and none that was removed",
        handler.marks,
        jobs=[id],
    )


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
