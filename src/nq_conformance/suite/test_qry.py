"""QRY: what get_job and get_jobs answer."""

from __future__ import annotations

from nq_conformance.contract import JOB_STATES
from nq_conformance.lab import Lab
from nq_conformance.suite.rules import rule
from nq_conformance.suite.scenes import one_in_each_state


@rule("QRY-02")
async def test_queues_do_not_see_each_others_jobs(lab: Lab) -> None:
    """Each job is found on its own queue alone, by id and in the list."""
    left, right = await lab.queue(), await lab.queue()
    left_ids = [await left.add("left"), await left.add("left")]
    right_ids = [await right.add("right")]
    for mine, ids, other in ((left, left_ids, right), (right, right_ids, left)):
        for id in ids:
            await mine.job(id)
            found = await other.get(id)
            lab.check(found is None, "another queue does not know the id", repr(found), jobs=[id])
        lab.equal(sorted(await mine.ids()), sorted(ids), f"the jobs of {mine.name}", jobs=ids)


@rule("QRY-04")
async def test_get_jobs_lists_exactly_the_jobs_in_the_states_asked_for(lab: Lab) -> None:
    """One state at a time, two together, and all by None and by an empty list."""
    queue = await lab.queue()
    scene = await one_in_each_state(lab, queue)
    for state in JOB_STATES:
        wanted = sorted(id for id, s in scene.items() if s == state)
        lab.equal(
            sorted(await queue.ids(state=[state])), wanted, f"get_jobs(state=['{state}'])", jobs=list(scene)
        )
    some = sorted(id for id, s in scene.items() if s in ("delayed", "failed"))
    lab.equal(sorted(await queue.ids(state=["delayed", "failed"])), some, "get_jobs of delayed and failed")
    lab.equal(sorted(await queue.ids()), sorted(scene), "get_jobs() without a query")
    lab.equal(sorted(await queue.ids(state=None, offset=0)), sorted(scene), "get_jobs(state=None)")
    lab.equal(sorted(await queue.ids(state=[])), sorted(scene), "get_jobs(state=[])")


@rule("QRY-10")
async def test_a_completed_job_carries_its_result_and_its_times(lab: Lab) -> None:
    """The result, no reason, and timestamp ≤ processed_on ≤ finished_on."""
    queue = await lab.queue()
    await queue.handled()
    id = await queue.add({"answer": 42})
    job = await queue.reaches(id, "completed")
    lab.equal(job.return_value, {"answer": 42}, "return_value", jobs=[id])
    lab.equal(job.failed_reason, None, "failed_reason of a completed job", jobs=[id])
    _check_times(lab, job)


@rule("QRY-10")
async def test_a_failed_job_carries_the_exact_reason_and_its_times(lab: Lab) -> None:
    """The handler's message to the letter."""
    queue = await lab.queue()
    message = "Ünexpected: x != y (50 %), 'quoted' {braces}"
    await queue.work(lab.failing(message))
    id = await queue.add()
    job = await queue.reaches(id, "failed")
    lab.equal(job.failed_reason, message, "failed_reason", jobs=[id])
    _check_times(lab, job)


def _check_times(lab: Lab, job: object) -> None:
    times = [getattr(job, name, None) for name in ("timestamp", "processed_on", "finished_on")]
    lab.check(
        all(isinstance(t, int) for t in times) and times == sorted(times, key=lambda t: t or 0),
        "timestamp <= processed_on <= finished_on, all in epoch ms",
        str(times),
        jobs=[getattr(job, "id", "")],
    )
