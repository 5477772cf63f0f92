"""RTY: jobs that are removed at their end, and how many are kept."""

from __future__ import annotations

import time
from typing import Any, Literal, TypeAlias

import pytest

from nq_conformance.lab import Lab, Queue, Run
from nq_conformance.suite.rules import rule
from nq_conformance.suite.series import CLOCK_MS

Outcome: TypeAlias = Literal["completed", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("completed", "failed")


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
    await queue.forgets(gone)
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
    await queue.forgets(id)
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
    await queue.forgets(gone)
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
