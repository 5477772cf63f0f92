"""STL: jobs whose worker dies, freezes or takes long, and who may go on with them.

The processes that are killed or frozen are hosts; this one survives, and takes over. The
rules that hold for a single worker as well keep to one process at a time.
"""

from __future__ import annotations

import time
from typing import Any

from nq_conformance.adapters import Capability
from nq_conformance.lab import Lab, Queue, Recorder, Run
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.burst import enqueue_burst
from nq_conformance.suite.later import let_fall_due
from nq_conformance.suite.listening import Story, follow
from nq_conformance.suite.restarts import LOCK_MS, TAKEOVER, Process, start
from nq_conformance.suite.rules import rule

ROOM = 4
"""The concurrency of a worker that takes over: more than the jobs that the dead one held."""
BUSY_LOCK_MS = 1_500
"""The lock of a handler that computes: what renews it has to share a processor with that."""


@rule("STL-01")
async def test_the_jobs_of_a_killed_worker_are_run_by_another(lab: Lab) -> None:
    """Two run in a process that is killed; a worker in this one was idle before, and runs both."""
    queue = await lab.queue()
    other = await start(lab)
    lost, ids = await _hold(lab, other, queue, 1, 2)
    heir = await _heir(lab, queue)
    await other.kill()
    await heir.finished(2, budget=TAKEOVER)
    for id in ids:
        await queue.reaches(id, "completed")
    lab.equal(sorted(heir.marks), [1, 2], "jobs that the surviving worker runs, by mark", jobs=ids)
    lab.equal(len(lost.runs), 2, "runs in the killed process", jobs=ids)


@rule("STL-02")
async def test_a_job_that_takes_longer_than_its_lock_runs_once(lab: Lab) -> None:
    """Two and a half lock durations, while a worker in another process is idle."""
    queue = await lab.queue()
    gate = lab.gate()
    slow = lab.handler(gate=gate, name="slow handler")
    ids = await queue.add_marked(1, 2)
    await queue.work(slow, concurrency=2, lock_duration_ms=LOCK_MS)
    await slow.started(2)
    other = await start(lab)
    stalled = await queue.listen("stalled")
    idle = await other.handled(
        await other.queue(queue.name), "idle worker's handler", concurrency=ROOM, lock_duration_ms=LOCK_MS
    )
    await let_fall_due(lab, LOCK_MS * 5 // 2)
    more = await queue.add({"n": "control"})
    await idle.finished(1)
    lab.equal(idle.marks, ["control"], "jobs that the idle worker runs meanwhile, by mark", jobs=ids)
    gate.open()
    for id in [*ids, more]:
        await queue.reaches(id, "completed")
    lab.equal(len(slow.runs), 2, "runs of the two slow jobs", jobs=ids)
    lab.equal(stalled.job_ids, [], "`stalled` events", jobs=ids)


@rule("STL-03")
async def test_a_recovery_is_told_and_brings_the_job_back_to_waiting(lab: Lab) -> None:
    """Two jobs of a killed process; the worker that takes over has room for one, so that the other
    is seen in between."""
    queue = await lab.queue()
    other = await start(lab)
    _, ids = await _hold(lab, other, queue, 1, 2)
    gate = lab.gate()
    heir = lab.handler(gate=gate, name="surviving worker's handler")
    await queue.work(heir, lock_duration_ms=LOCK_MS)
    story = await follow(lab, queue, ["stalled", "active", "completed"])
    await other.kill()
    await heir.started(1, budget=TAKEOVER)
    for id in ids:
        if story.of(id) == ["stalled"] and id not in [run.job_id for run in heir.runs]:
            state = (await queue.job(id)).state
            lab.equal(state, "waiting", "state of a job of which `stalled` was told, and no more", jobs=[id])
    gate.open()
    for id in ids:
        await queue.reaches(id, "completed", budget=TAKEOVER)
    await story.tells("completed", *ids)
    for id in ids:
        wanted = ["stalled", "active", "completed"]
        lab.equal(story.of(id), wanted, "the events of a job from the kill on", jobs=[id])


@rule("STL-04")
async def test_a_job_that_stalls_too_often_fails_once(lab: Lab) -> None:
    """max_stalled_count is 1: a second process takes the job over and is killed as well; then it fails."""
    queue = await lab.queue()
    first, second = await start(lab), await start(lab)
    lost, (id,) = await _hold(lab, first, queue, 1, max_stalled_count=1, attempts=5)
    takes_over = lab.handler(gate=lab.gate(), name="second process's handler")
    await second.work(
        await second.queue(queue.name), takes_over, lock_duration_ms=LOCK_MS, max_stalled_count=1
    )
    await first.kill()
    await takes_over.started(1, budget=TAKEOVER)
    story = await follow(lab, queue, ["stalled", "failed", "completed"])
    survivor = await _heir(lab, queue, max_stalled_count=1)
    await second.kill()
    job = await queue.reaches(id, "failed", "completed", budget=TAKEOVER)
    lab.equal(job.state, "failed", "state after a second stall, with max_stalled_count=1", jobs=[id])
    await story.tells("failed", id)
    control = await queue.add({"n": "control"})
    await story.tells("completed", control)
    lab.equal(survivor.marks, ["control"], "jobs that the third process runs, by mark", jobs=[id])
    lab.equal(story.of(id, "failed", "completed"), ["failed"], "events of the job's end", jobs=[id])
    (told,) = story.payloads(id, "failed")
    reason = field_of(told, "failed_reason")
    lab.check(bool(reason) and reason == job.failed_reason, f"the job's reason, {job.failed_reason!r}", told)
    lab.equal((await queue.counts()).failed, 1, "failed jobs that are counted", jobs=[id])
    lab.equal((len(lost.runs), len(takes_over.runs)), (1, 1), "runs in the two killed processes", jobs=[id])


@rule("STL-05")
async def test_a_stall_is_no_attempt(lab: Lab) -> None:
    """Of two jobs of a killed process one may be tried once and the other twice; so they are, afterwards."""
    queue = await lab.queue()
    other = await start(lab)
    _, (once,) = await _hold(lab, other, queue, "once")
    _, (twice,) = await _hold(lab, other, queue, "twice", attempts=2)
    failing = lab.failing("tried in vain")
    await queue.work(failing, concurrency=ROOM, lock_duration_ms=LOCK_MS)
    await other.kill()
    for id, attempts in ((once, 1), (twice, 2)):
        job = await queue.reaches(id, "failed", budget=TAKEOVER)
        what = f"attempts_made and reason of a job with attempts={attempts} that stalled once"
        lab.equal((job.attempts_made, job.failed_reason), (attempts, "tried in vain"), what, jobs=[id])
    tried = sorted((run.mark, getattr(run.ctx, "attempt", None)) for run in failing.runs)
    wanted = [("once", 1), ("twice", 1), ("twice", 2)]
    lab.equal(tried, wanted, "runs after the stall, as (mark, ctx.attempt)", jobs=[once, twice])


@rule("STL-06")
async def test_what_a_worker_says_after_it_has_lost_its_lock_counts_for_nothing(lab: Lab) -> None:
    """It is frozen while three jobs run, and wakes up when another worker has taken them over: one is
    done by then, two are running. What its handlers say late is a result, a result and an error."""
    queue = await lab.queue()
    other = await start(lab)
    late = lab.gate()

    async def outlived(run: Run) -> Any:
        if run.mark == "error":
            raise RuntimeError("the frozen worker's error")
        return "of the frozen worker"

    old = lab.handler(outlived, gate=late, name="frozen worker's handler")
    seen_there = await other.queue(queue.name)
    ids = await queue.add_marked("done", "result", "error", attempts=3)
    await other.work(seen_there, old, concurrency=3, lock_duration_ms=LOCK_MS)
    await old.started(3)
    other.host.freeze()
    gates = {mark: lab.gate() for mark in ("done", "result", "error", "filler")}

    async def taken_over(run: Run) -> Any:
        await gates[run.mark].passed()
        return "of the new owner"

    new = lab.handler(taken_over, name="new owner's handler")
    story = await follow(lab, queue, ["completed", "failed", "delayed"])
    await queue.work(new, concurrency=3, lock_duration_ms=LOCK_MS)
    await new.started(3, budget=TAKEOVER)
    gates["done"].open()
    await queue.reaches(ids[0], "completed")
    await queue.add({"n": "filler"})
    await new.started(4)
    late.open()
    await old.finished(3)
    other.host.thaw()
    await _prove_awake(lab, other, seen_there)
    states = [(await queue.job(id)).state for id in ids]
    lab.equal(states, ["completed", "active", "active"], "states when the old worker has spoken", jobs=ids)
    for gate in gates.values():
        gate.open()
    await _all_of_the_new_owner(lab, queue, story, ids)
    lab.equal(
        (len(old.runs), len(new.runs)), (3, 4), "runs of the frozen worker and of the new owner", jobs=ids
    )


@rule("STL-07")
async def test_the_only_worker_recovers_its_own_jobs_when_it_restarts_at_once(lab: Lab) -> None:
    """Its locks have not ended yet when it is back, so that it has to look again later; nobody else
    is there to do so."""
    first = await start(lab)
    lost, ids = await _hold(lab, first, await first.queue("jobs"), 1)
    # Where it may, it starts before: on a busy machine that takes longer than the lock lasts.
    early = await start(lab) if lab.claims(Capability.DISTRIBUTED) else None
    await first.kill()
    second = early or await start(lab)
    queue = await second.queue("jobs")
    heir = await second.handled(
        queue, "restarted worker's handler", concurrency=ROOM, lock_duration_ms=LOCK_MS
    )
    late = await queue.add({"n": "late"})
    await queue.reaches(late, "completed")
    await heir.finished(2, budget=TAKEOVER)
    await queue.reaches(ids[0], "completed")
    lab.equal(sorted(map(str, heir.marks)), ["1", "late"], "jobs that the restarted worker runs", jobs=ids)
    lab.equal(len(lost.runs), 1, "runs before the kill", jobs=ids)


@rule("STL-08")
async def test_after_a_crash_all_slots_are_there_again(lab: Lab) -> None:
    """As many jobs ran as the worker has slots; the next one has them all, and uses them at once."""
    first = await start(lab)
    _, ids = await _hold(lab, first, await first.queue("jobs"), 1, 2)
    await first.kill()
    second = await start(lab)
    queue = await second.queue("jobs")
    gate = lab.gate()
    heir = lab.handler(gate=gate, name="next worker's handler")
    ids += await queue.add_marked(3, 4)
    await second.work(queue, heir, concurrency=2, lock_duration_ms=LOCK_MS)
    await heir.started(2, budget=TAKEOVER)
    gate.open()
    await heir.finished(4, budget=TAKEOVER)
    lab.equal(sorted(heir.marks), [1, 2, 3, 4], "jobs that the next worker runs, by mark", jobs=ids)


@rule("STL-08")
async def test_who_recovered_before_may_crash_as_well(lab: Lab) -> None:
    """A job is recovered by a second process, which is killed too; the third one recovers it again."""
    process = await start(lab)
    lost, ids = await _hold(lab, process, await process.queue("jobs"), 1, max_stalled_count=5)
    for number in (2, 3):
        await process.kill()
        process = await start(lab)
        again = lab.handler(gate=lab.gate(), name=f"handler of process {number}")
        await process.work(
            await process.queue("jobs"),
            again,
            concurrency=ROOM,
            lock_duration_ms=LOCK_MS,
            max_stalled_count=5,
        )
        await again.started(1, budget=TAKEOVER)
        lab.equal(again.marks, [1], f"jobs that process {number} runs, by mark", jobs=ids)
    lab.equal(len(lost.runs), 1, "runs in the first process", jobs=ids)


@rule("STL-09")
async def test_a_sweep_for_one_queue_leaves_the_jobs_of_others(lab: Lab) -> None:
    """A job with a long lock is at work on one queue, while a job with a short one is recovered on
    another by somebody who does not know the first."""
    slow, quick = await lab.queue(), await lab.queue()
    gate = lab.gate()
    handler = lab.handler(gate=gate, name="slow handler")
    await slow.work(handler, concurrency=ROOM, lock_duration_ms=60_000, max_stalled_count=0)
    (id,) = await slow.add_marked("slow")
    await handler.started(1)
    story = await follow(lab, slow, ["stalled", "failed", "completed"])
    other, sweeper = await start(lab), await start(lab)
    _, lost = await _hold(lab, other, quick, 1)
    seen = await sweeper.queue(quick.name)
    heir = await sweeper.handled(seen, "sweeper's handler", lock_duration_ms=LOCK_MS, max_stalled_count=1)
    await other.kill()
    await heir.finished(1, budget=TAKEOVER)
    await quick.reaches(lost[0], "completed")
    await sweeper.let_pass(LOCK_MS)
    lab.equal((await slow.job(id)).state, "active", "state of the job on the other queue", jobs=[id])
    lab.equal(len(handler.runs), 1, "its runs", jobs=[id])
    gate.open()
    await story.tells("completed", id)
    lab.equal(story.of(id), ["completed"], "its events, `stalled` and `failed` among them", jobs=[id])


@rule("STL-09")
async def test_a_sweep_takes_no_job_that_has_just_been_claimed(lab: Lab) -> None:
    """Two processes with short locks share 200 quick jobs; no job is told to be stalled, each runs once."""
    queue = await lab.queue()
    other = await start(lab)
    stalled = await queue.listen("stalled")
    handler = lab.handler()
    options: dict[str, Any] = {"concurrency": 5, "lock_duration_ms": LOCK_MS}
    await other.work(await other.queue(queue.name), handler, **options)
    await queue.work(handler, **options)
    ids = await enqueue_burst(lab, queue, [{"n": number} for number in range(200)])
    await handler.finished(200)
    await lab.canary()
    lab.equal(stalled.job_ids[:3], [], "`stalled` events while all processes are alive, the first three")
    lab.equal(sorted(handler.marks), list(range(200)), "jobs that ran, by mark, each once")
    await queue.reaches(ids[-1], "completed")


@rule("STL-10")
async def test_a_handler_that_blocks_its_event_loop_keeps_its_lock(lab: Lab) -> None:
    """It computes for two and a half lock durations; another worker, in another process if the adapter
    works with several, stands by."""
    queue = await lab.queue()
    gate = lab.gate()
    lock_ms = round(BUSY_LOCK_MS * max(1.0, lab.clock.time_scale))

    async def compute(run: Run) -> Any:
        until = time.monotonic() + lock_ms * 2.5 / 1000
        while run.mark == "busy" and time.monotonic() < until:
            pass
        return run.data

    busy = lab.handler(compute, gate=gate, name="busy handler")
    idle = lab.handler(name="idle worker's handler")
    await queue.work(busy, lock_duration_ms=lock_ms)
    id = await queue.add({"n": "busy"})
    await busy.started(1)
    stalled = await queue.listen("stalled")
    if lab.claims(Capability.DISTRIBUTED):
        other = await start(lab)
        await other.work(await other.queue(queue.name), idle, concurrency=ROOM, lock_duration_ms=lock_ms)
        await other.canary(await other.queue(queue.name))
    else:
        await queue.work(idle, manager=await lab.new_manager(), concurrency=ROOM, lock_duration_ms=lock_ms)
    gate.open()
    await busy.finished(1)
    await queue.reaches(id, "completed")
    await queue.add({"n": "control"})
    await lab.sees(
        lambda: "control" in busy.marks + idle.marks,
        expected="a later job runs",
        seen=lambda: f"runs: {busy.marks + idle.marks}",
    )
    await let_fall_due(lab, lock_ms // 2)
    runs = sorted(busy.marks + idle.marks)
    lab.equal(
        runs, ["busy", "control"], "runs of the job that blocked the loop and of a later one", jobs=[id]
    )
    lab.equal(stalled.job_ids, [], "`stalled` events", jobs=[id])


@rule("PAU-12")
async def test_a_job_that_is_recovered_on_a_paused_queue_waits_for_resume(lab: Lab) -> None:
    """Jobs on two queues die with their process, and one queue is paused. When the other's has been
    recovered and run, the paused one's has not."""
    held, free = await lab.queue(), await lab.queue()
    other = await start(lab)
    _, (id,) = await _hold(lab, other, held, "held")
    _, (free_id,) = await _hold(lab, other, free, "free")
    handlers = [await _heir(lab, queue) for queue in (held, free)]
    await held.pause()
    await other.kill()
    await handlers[1].finished(1, budget=TAKEOVER)
    await free.reaches(free_id, "completed")
    await let_fall_due(lab, LOCK_MS // 2)
    lab.equal(await held.is_paused(), True, "is_paused of the queue that was paused before the kill")
    lab.equal(handlers[0].marks, [], "jobs that ran on the paused queue, by mark", jobs=[id])
    late = await held.add({"n": "late"})
    await lab.canary()
    lab.equal(handlers[0].marks, [], "jobs that ran on the paused queue, by mark", jobs=[id, late])
    await held.resume()
    await handlers[0].finished(2, budget=TAKEOVER)
    for each in (id, late):
        await held.reaches(each, "completed")
    lab.equal(sorted(handlers[0].marks), ["held", "late"], "jobs that run after resume, by mark", jobs=[id])


async def _hold(
    lab: Lab, process: Process, queue: Queue, *marks: Any, max_stalled_count: int = 1, **opts: Any
) -> tuple[Recorder, list[str]]:
    """Have a worker in ``process`` begin jobs with these marks and not end them; its handler and their ids.

    ``opts`` are the jobs'. Called again for a queue, the jobs come on top.
    """
    there = await process.queue(queue.name)
    holding = lab.handler(gate=lab.gate(), name="handler of the process that is killed")
    await process.work(
        there,
        holding,
        concurrency=max(2, len(marks)),
        lock_duration_ms=LOCK_MS,
        max_stalled_count=max_stalled_count,
    )
    ids = [await there.add({"n": mark}, **opts) for mark in marks]
    await holding.started(len(marks))
    return holding, ids


async def _heir(lab: Lab, queue: Queue, **opts: Any) -> Recorder:
    """A worker in this process that has room for what a dead one leaves; its handler."""
    handler = lab.handler(name="surviving worker's handler")
    await queue.work(handler, concurrency=ROOM, lock_duration_ms=LOCK_MS, **opts)
    return handler


async def _prove_awake(lab: Lab, process: Process, queue: Queue) -> None:
    """Return once the worker of a process that was frozen has told how its jobs ended: all of its slots
    are free again, and have started others."""
    control = lab.handler(gate=lab.gate(), name="control in the process that was frozen")
    await process.work(queue, control, name="control", concurrency=3, lock_duration_ms=LOCK_MS)
    for number in range(3):
        await queue.add({"n": number}, name="control")
    await control.started(3)


async def _all_of_the_new_owner(lab: Lab, queue: Queue, story: Story, ids: list[str]) -> None:
    """Each job has ended once, as the new owner says."""
    await story.tells("completed", *ids)
    for id in ids:
        job = await queue.job(id)
        seen = (job.state, job.return_value, job.failed_reason, job.attempts_made)
        wanted = ("completed", "of the new owner", None, 1)
        lab.equal(seen, wanted, "state, return_value, failed_reason and attempts_made", jobs=[id])
        lab.equal(story.of(id), ["completed"], "its events `completed`, `failed` and `delayed`", jobs=[id])
