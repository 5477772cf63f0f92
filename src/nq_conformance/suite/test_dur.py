"""DUR: what lasts over crashes, restarts and full disks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio

from nq_conformance.adapters.host.peer import PeerGoneError
from nq_conformance.contract import Job, JobInput
from nq_conformance.faults.disk import Files, full_disk
from nq_conformance.lab import Lab, Queue, Recorder, Run
from nq_conformance.lab.queue import job_of
from nq_conformance.suite.fields import differences, fields_of
from nq_conformance.suite.restarts import LOCK_MS, TAKEOVER, Process, start
from nq_conformance.suite.rules import rule
from nq_conformance.violation import Inconclusive, Violation

BIG = 128 * 1024
"""Characters of a payload that no backend writes in one piece."""


@rule("DUR-01")
async def test_what_was_acknowledged_survives_a_kill_at_once_after_it(lab: Lab) -> None:
    """First one of a burst of jobs is the last that is acknowledged, then a single one."""
    first = await start(lab)
    acknowledged = await _kill_in_a_burst(lab, first, [_small(number) for number in range(30)], after=12)
    second = await start(lab)
    queue = await second.queue("burst")
    await _check_kept(lab, queue, acknowledged)
    lone = await (await second.queue("lone")).add("alone", job_id="lone", priority=3)
    await second.kill()
    third = await start(lab)
    await _check_kept(lab, await third.queue("lone"), {lone: job_of("job", "alone", {"priority": 3})})
    await _check_kept(lab, await third.queue("burst"), acknowledged)


@rule("DUR-02")
async def test_jobs_that_were_active_at_a_crash_run_again_after_the_restart(lab: Lab) -> None:
    """Two run and two wait when the process is killed; the next worker comes when their locks have ended."""
    first = await start(lab)
    queue = await first.queue("jobs")
    lost = lab.handler(gate=lab.gate(), name="handler of the killed process")
    ids = await queue.add_marked(1, 2, 3, 4)
    await first.work(queue, lost, concurrency=2, lock_duration_ms=LOCK_MS)
    await lost.started(2)
    await first.kill()
    second = await start(lab)
    await second.let_pass(LOCK_MS)
    queue = await second.queue(queue.name)
    for id in ids:
        state = (await queue.job(id)).state
        lab.check(
            state in ("waiting", "active"), "after the restart the job waits or is active", state, jobs=[id]
        )
    heir = await second.handled(queue, "next process's handler", concurrency=4, lock_duration_ms=LOCK_MS)
    await _runs_out(lab, queue, heir, ids)
    lab.equal(sorted(heir.marks), [1, 2, 3, 4], "jobs that run after the restart, by mark", jobs=ids)


@rule("DUR-03")
async def test_jobs_are_after_a_restart_what_they_were_before(lab: Lab) -> None:
    """In each state, every field of the job and of its options; the counts and the lists, too."""
    first = await start(lab)
    await _finish_some(lab, first)
    await _keep_some(first)
    before = [await _all_of(await first.queue(name)) for name in ("finished", "kept")]
    lab.equal([len(jobs) for jobs in before], [3, 3], "jobs in the two queues before the restart")
    counts = [await (await first.queue(name)).counts() for name in ("finished", "kept")]
    await first.end()
    second = await start(lab)
    for name, jobs, counted in zip(("finished", "kept"), before, counts, strict=True):
        queue = await second.queue(name)
        for id, wanted in jobs.items():
            seen = fields_of(await queue.job(id))
            other = {field: seen[field] for field in differences(wanted, seen)}
            was = {field: wanted[field] for field in other}
            lab.check(not other, f"the job's fields are as before the restart: {was!r}", other, jobs=[id])
        lab.equal(await queue.ids(), list(jobs), f"get_jobs of {name!r} after the restart", jobs=list(jobs))
        lab.equal(await queue.counts(), counted, f"the counts of {name!r} after the restart")


@rule("DUR-03")
async def test_after_a_restart_finished_jobs_rest_and_others_keep_their_options(lab: Lab) -> None:
    """Workers for all of them: the finished ones do not run, one that waits is retried as it asked."""
    first = await start(lab)
    await _finish_some(lab, first)
    await _keep_some(first)
    await first.end()
    second = await start(lab)
    finished, kept = await second.queue("finished"), await second.queue("kept")
    again = lab.handler(name="handler for finished jobs")
    for name in ("good", "bad"):
        await second.work(finished, again, name=name)
    failing = lab.failing("once more")
    await second.work(kept, failing)
    await failing.started(1)
    job = await kept.reaches("plain", "delayed", "failed", "completed")
    lab.equal(
        (job.state, job.attempts_made, job.failed_reason),
        ("delayed", 1, "once more"),
        "state, attempts_made and reason of a job with attempts and backoff that failed after the restart",
        jobs=[job.id],
    )
    lab.equal(failing.runs[0].data, {"text": ["kept", None]}, "the data it ran with", jobs=[job.id])
    await second.canary(finished)
    lab.equal(len(again.runs), 0, "runs of jobs that were finished before the restart")
    lab.equal(len(failing.runs), 1, "runs of the one job that was due")


@rule("DUR-04")
async def test_a_crash_amid_large_writes_leaves_every_other_job_whole(lab: Lab) -> None:
    """Two dozen large jobs are under way at the kill; what is there afterwards is there in one piece."""
    first = await start(lab)
    jobs = [job_of("job", {"n": n, "text": f"{n:04}" * (BIG // 4)}, {}) for n in range(24)]
    acknowledged = await _kill_in_a_burst(lab, first, jobs, after=6)
    second = await start(lab)
    queue = await second.queue("burst")
    await _check_kept(lab, queue, acknowledged)
    for job in await queue.list():
        whole = job.data in [each.data for each in jobs]
        lab.check(whole, "each job that is listed has all of its data", "a part of it", jobs=[job.id])
    late = await queue.add("late")
    await second.end()
    third = await start(lab)
    queue = await third.queue("burst")
    await _check_kept(lab, queue, {**acknowledged, late: job_of("job", "late", {})})


@rule("DUR-04")
async def test_half_of_a_record_costs_no_other_job(lab: Lab) -> None:
    """The process is killed after a write; where the data is in files, that write is cut in half, as by
    a power cut. What was stored before loads, and so does what is stored afterwards."""
    folder = lab.setting.directory
    first = await start(lab)
    queue = await first.queue("jobs")
    kept = {await queue.add({"n": n}): job_of("job", {"n": n}, {}) for n in range(8)}
    before = Files.of(folder) if folder else None
    torn = await queue.add({"n": "torn", "text": "x" * 3_000})
    later = Files.of(folder) if folder else None
    await first.kill()
    if before is not None and later is not None:
        lab.history.add("fault", "last write cut in half", text="; ".join(before.tear(later)))
    second = await start(lab)
    queue = await second.queue("jobs")
    await _check_kept(lab, queue, kept)
    rest = set(await queue.ids()) - set(kept)
    lab.check(rest <= {torn}, "no job beside those that were enqueued", rest)
    late = await queue.add({"n": "late"})
    await second.kill()
    third = await start(lab)
    queue = await third.queue("jobs")
    await _check_kept(lab, queue, {**kept, late: job_of("job", {"n": "late"}, {})})
    if lab.adapter.has_workers:
        handler = await third.handled(queue)
        await lab.sees(
            lambda: {*range(8), "late"} <= set(handler.marks),
            expected="the jobs beside the torn one run: 0 to 7, and late",
            seen=lambda: f"runs: {handler.marks}",
        )


@rule("DUR-05")
async def test_a_second_process_is_refused_or_fits_in(lab: Lab) -> None:
    """While one works on a queue, another is started on it. If it is let in, both do, and no job runs
    twice; either way the next one finds all that was done."""
    first = await start(lab)
    queue = await first.queue("jobs")
    handler = lab.handler()
    await first.work(queue, handler, concurrency=2)
    ids = await queue.add_marked(0)
    await handler.finished(1)
    second = Process(lab, await lab.host())
    other = await _let_in(second)
    if other is None:
        ids += await queue.add_marked(*range(1, 25))
    else:
        await second.work(other, handler, concurrency=2)
        async with anyio.create_task_group() as group:
            for place, numbers in ((queue, range(1, 13)), (other, range(13, 25))):
                group.start_soon(_add_to, ids, place, numbers)
    lab.equal(len(set(ids)), 25, "ids that enqueue has returned", jobs=ids[:3])
    await handler.finished(25)
    await _all_completed(lab, queue, ids)
    for process in (first, second):
        await process.kill()
    third = await start(lab)
    await _all_completed(lab, await third.queue("jobs"), ids)
    lab.equal(sorted(handler.marks), list(range(25)), "jobs that ran, by mark, each once", jobs=ids[:3])


@rule("DUR-06")
async def test_a_job_that_cannot_be_stored_is_refused_and_leaves_nothing(lab: Lab) -> None:
    """The disk is full, or where a server keeps the data it can't be reached. enqueue raises; when all
    is well again no job is left of it, now and after a restart, and enqueue works."""
    if lab.setting.directory is not None:
        await _refused_by_a_full_disk(lab)
    elif lab.setting.url is not None or lab.setting.dsn is not None:
        await _refused_without_the_server(lab)
    process = await start(lab)
    queue = await process.queue("jobs")
    if lab.setting.directory is None and lab.setting.url is None and lab.setting.dsn is None:
        await queue.job(await queue.add("stored"))
        raise Inconclusive("the kit does not know where the adapter stores, so it can't keep it from storing")
    await _check_only(lab, queue, "before", "after")


async def _refused_by_a_full_disk(lab: Lab) -> None:
    process = await start(lab)
    queue = await process.queue("jobs")
    await queue.add("before")
    assert lab.setting.directory is not None
    room = Files.of(lab.setting.directory).largest + 2_000
    with full_disk(process.host.raw.pid, room):
        lab.history.add("fault", "the disk is full", text=f"no file may have more than {room} bytes")
        await _check_refused(lab, queue, lambda: queue.add("x" * (room + BIG)))
    await queue.add("after")
    await _check_only(lab, queue, "before", "after")
    await process.kill()


async def _refused_without_the_server(lab: Lab) -> None:
    proxy, behind = await lab.proxied()
    provider = await lab.new_provider(setting=behind)
    queue = await lab.queue("jobs", provider)
    await queue.add("before")
    await proxy.go_down()
    lab.history.add("fault", "the server can't be reached")
    error = await lab.raises(queue.add("refused"), "enqueue of a job that can't be stored")
    lab.check(str(error) != "", "an error with a message", repr(error))
    proxy.heal()
    last: list[Exception] = []

    async def works() -> bool:
        try:
            await queue.add("after")
        except Violation:
            raise
        except Exception as error:
            last[:] = [error]
            return False
        return True

    await lab.eventually(
        works, expected="enqueue works again when the server can be reached", seen=lambda: repr(last[0])
    )
    await _check_only(lab, queue, "before", "after")
    await provider.close()


async def _check_refused(lab: Lab, queue: Queue, call: Callable[[], Any]) -> None:
    try:
        error = await lab.raises(call(), "enqueue of a job that can't be stored")
    except PeerGoneError as gone:
        raise Inconclusive(
            f"the adapter's process did not survive the signal that a full disk sends: {gone}"
        ) from None
    lab.check(str(error) != "", "an error with a message", repr(error))
    await _check_only(lab, queue, "before")


async def _check_only(lab: Lab, queue: Queue, *data: str) -> None:
    seen = [str(job.data)[:20] for job in await queue.list()]
    lab.equal(sorted(seen), sorted(data), "the jobs that are there, by their data")
    counts = await queue.counts()
    lab.equal(counts.waiting, len(data), "waiting jobs that are counted")


async def _kill_in_a_burst(
    lab: Lab, process: Process, jobs: list[JobInput], *, after: int
) -> dict[str, JobInput]:
    """Enqueue ``jobs`` side by side, kill the process as soon as ``after`` are acknowledged; returns
    those that were, by id."""
    queue = await process.queue("burst")
    acknowledged: dict[str, JobInput] = {}

    async def add(job: JobInput) -> None:
        try:
            id = await queue.provider.enqueue(queue.name, job)
        except PeerGoneError:
            return
        acknowledged[id] = job
        if len(acknowledged) == after:
            await process.kill()

    async def add_all() -> None:
        async with anyio.create_task_group() as group:
            for job in jobs:
                group.start_soon(add, job)

    async with lab.meanwhile(add_all):
        pass
    lab.check(len(acknowledged) >= after, f"{after} ids of jobs", f"{len(acknowledged)}")
    return acknowledged


def _small(number: int) -> JobInput:
    opts: dict[str, Any] = {"delay": 60_000} if number % 3 == 2 else {"attempts": 2}
    return job_of("job", {"n": number, "text": "ü" * 50}, opts)


async def _check_kept(lab: Lab, queue: Queue, wanted: dict[str, JobInput]) -> None:
    """Each of these jobs is found by its id, as it was given, and listed."""
    for id, given in wanted.items():
        job = await queue.job(id)
        lab.check(job.data == given.data, "the job has the data it was given", f"{job.data!r:.80}", jobs=[id])
        put_off = given.opts is not None and given.opts.delay > 0
        lab.equal(job.state == "delayed", put_off, "whether it is delayed", jobs=[id])
    missing = set(wanted) - set(await queue.ids())
    lab.check(not missing, "get_jobs lists all jobs that were acknowledged", f"without {sorted(missing)}")


async def _runs_out(lab: Lab, queue: Queue, handler: Recorder, ids: list[str]) -> None:
    """Wait until ``handler`` has run as many jobs as there are ids, and all are completed."""
    await handler.finished(len(ids), budget=TAKEOVER)
    for id in ids:
        await queue.reaches(id, "completed")


async def _finish_some(lab: Lab, process: Process) -> None:
    """A queue with jobs that are through: with a result, without one, and one that failed twice."""
    queue = await process.queue("finished")

    async def body(run: Run) -> Any:
        return run.data

    await process.work(queue, lab.handler(body), name="good")
    await process.work(queue, lab.failing("ünlucky"), name="bad")
    await queue.add({"n": [1.5, None, "ü"]}, name="good", job_id="with-result", remove_on_complete=50)
    await queue.add(None, name="good", job_id="without-result", priority=2)
    await queue.add({}, name="bad", job_id="in-vain", attempts=2, backoff=("fixed", 5), timeout=5_000)
    for id, state in (("with-result", "completed"), ("without-result", "completed"), ("in-vain", "failed")):
        await queue.reaches(id, state)


async def _keep_some(process: Process) -> None:
    """A queue with jobs that wait or are delayed, and ask for many things."""
    queue = await process.queue("kept")
    data = {"text": ["kept", None]}
    backoff = ("exponential", 60_000)
    await queue.add(data, job_id="plain", attempts=3, backoff=backoff, timeout=4_321, remove_on_complete=7)
    await queue.add(data, job_id="put-off", delay=90_000, attempts=4, backoff=("fixed", 17))
    await queue.add(data, job_id="put-off-too", delay=60_000, priority=9, remove_on_fail=True)


async def _all_of(queue: Queue) -> dict[str, dict[str, Any]]:
    jobs: list[Job] = list(await queue.list())
    return {job.id: fields_of(job) for job in jobs}


async def _let_in(process: Process) -> Queue | None:
    """The queue as the process sees it, or ``None`` if it is kept out: refused, or let wait."""
    try:
        queue = await process.queue("jobs")
        await queue.counts()
    except (Violation, Exception):
        return None
    return queue


async def _add_to(ids: list[str], queue: Queue, numbers: range) -> None:
    for number in numbers:
        ids += await queue.add_marked(number)


async def _all_completed(lab: Lab, queue: Queue, ids: list[str]) -> None:
    for id in ids:
        await queue.reaches(id, "completed")
    counts = await queue.counts()
    lab.equal(counts.completed, len(ids), "completed jobs that are counted", jobs=ids[:3])
