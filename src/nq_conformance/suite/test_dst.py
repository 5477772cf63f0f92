"""DST: several processes on the same queues."""

from __future__ import annotations

from typing import Any

import pytest

from nq_conformance.clock import Budget
from nq_conformance.contract import JOB_STATES
from nq_conformance.faults import LockedFiles, clock_off_by
from nq_conformance.lab import Lab, Queue, Recorder, Run
from nq_conformance.services import open_transactions
from nq_conformance.suite.fields import differences, fields_of
from nq_conformance.suite.processes import Place, here_and_there
from nq_conformance.suite.rules import rule
from nq_conformance.suite.series import CLOCK_MS, now_ms

SWIFT = Budget("swift", 1_000, "jobs from another process start without a poll")
DELAY_MS = 500
CROWD = 20
"""Jobs that others run while one is slow."""


@rule("DST-01")
@pytest.mark.parametrize("direction", ["here to there", "there to here"])
async def test_what_one_process_stores_another_sees_at_once(lab: Lab, direction: str) -> None:
    """Both have asked before, so that whatever can be cached is; then jobs come, one by one."""
    doing, asking = await _pair(lab, direction)
    wanted: list[str] = []
    options: list[dict[str, Any]] = [{}, {"priority": 3}, {"delay": 60_000}, {"job_id": "own"}]
    for number, opts in enumerate(options, start=1):
        await _ask_all(asking.queue, "own")
        id = await doing.queue.add({"n": number}, attempts=number, **opts)
        wanted.append(id)
        await _check_seen_alike(lab, doing, asking, id)
        listed = await asking.queue.ids()
        lab.equal(sorted(listed), sorted(wanted), f"ids that {asking.name} lists", jobs=wanted)
        counts = await asking.queue.counts()
        total = sum(getattr(counts, state) for state in JOB_STATES)
        lab.equal(total, number, f"jobs that {asking.name} counts", jobs=wanted)


@rule("DST-01")
async def test_a_pause_and_its_end_are_seen_from_another_process(lab: Lab) -> None:
    """Each process pauses once, and the other resumes."""
    here, there = await here_and_there(lab)
    await here.queue.add()
    for doing, other in ((here, there), (there, here)):
        for place in (doing, other):
            lab.equal(await place.queue.is_paused(), False, f"is_paused in {place.name} before the pause")
        await doing.queue.pause()
        lab.equal(await other.queue.is_paused(), True, f"is_paused in {other.name} after a pause elsewhere")
        counts = await other.queue.counts()
        lab.equal(counts.waiting + counts.paused, 1, f"the backlog that {other.name} counts after the pause")
        await other.queue.resume()
        lab.equal(await doing.queue.is_paused(), False, f"is_paused in {doing.name} after resume elsewhere")


@rule("DST-01")
async def test_a_job_is_seen_to_run_and_to_end_in_another_process(lab: Lab) -> None:
    """A worker there completes one job and fails another; here each state is looked at."""
    here, there = await here_and_there(lab)
    gate = lab.gate()

    async def body(run: Run) -> Any:
        await gate.passed()
        if run.mark == "bad":
            raise RuntimeError("failed on purpose")
        return {"seen": run.mark}

    handler = lab.handler(body)
    ids = await here.queue.add_marked("good", "bad")
    lab.equal([(await here.queue.job(id)).state for id in ids], ["waiting"] * 2, "states before a worker")
    await there.queue.work(handler, manager=await there.manager(lab), concurrency=2)
    await handler.started(2)
    for id in ids:
        await _check_seen_alike(lab, there, here, id)
    lab.equal((await here.queue.counts()).active, 2, "counts.active of jobs that run elsewhere", jobs=ids)
    gate.open()
    good = await here.queue.reaches(ids[0], "completed")
    bad = await here.queue.reaches(ids[1], "failed")
    told = [good.return_value, good.attempts_made, bad.failed_reason, bad.attempts_made]
    lab.equal(told, [{"seen": "good"}, 1, "failed on purpose", 1], "how the jobs have ended", jobs=ids)
    for id in ids:
        await _check_seen_alike(lab, there, here, id)
    counts = await here.queue.counts()
    lab.equal((counts.completed, counts.failed, counts.active), (1, 1, 0), "counts afterwards", jobs=ids)


@rule("DST-02")
async def test_an_idle_worker_starts_jobs_of_another_process_without_a_poll(lab: Lab) -> None:
    """Its drain delay is a minute. The second quickest of four counts: the machine may be busy, and
    one job may come just before a poll."""
    here, there = await here_and_there(lab)
    handler = lab.handler()
    await there.queue.work(handler, manager=await there.manager(lab), drain_delay_ms=60_000)
    waits = []
    for number in range(1, 5):
        await lab.canary(2)  # the worker over there runs dry meanwhile
        added_ms = now_ms()
        id = await here.queue.add({"n": number})
        await handler.finished(number)
        waits.append(handler.runs[number - 1].started_ms - added_ms)
        await here.queue.reaches(id, "completed")
    lab.check(
        sorted(waits)[1] <= lab.clock.seconds(SWIFT) * 1000,
        f"two of four jobs that came one by one start within {lab.clock.seconds(SWIFT):g} s",
        f"they started after {', '.join(f'{wait:.0f}' for wait in waits)} ms",
    )


@rule("DST-02")
async def test_an_idle_worker_hears_of_another_processes_delayed_job(lab: Lab) -> None:
    """It rests for a minute, or until a job that is due much later; a job that is due soon comes."""
    here, there = await here_and_there(lab)
    handler = lab.handler()
    await there.queue.work(handler, manager=await there.manager(lab), drain_delay_ms=60_000)
    await here.queue.add({"n": "first"})
    await handler.finished(1)
    await here.queue.add({"n": "late"}, delay=50_000)
    await lab.canary(2)
    ids = await here.queue.add_marked("soon", delay=100)
    await handler.finished(2)
    lab.equal(handler.marks, ["first", "soon"], "what has run", jobs=ids)


@rule("DST-03")
@pytest.mark.parametrize("off_s", [60, -60], ids=["ahead", "behind"])
async def test_a_wrong_clock_neither_hastens_nor_strands_delayed_jobs(lab: Lab, off_s: int) -> None:
    """One process is a minute off. It delays jobs that run here, and runs those that were delayed here."""
    with clock_off_by(off_s) as clock:
        wrong = await lab.host(env=clock.env)
        host_queue = await lab.queue(provider=await wrong.provider())
        clock.check(wrong.raw.pid)
        here = await lab.queue()
        from_there = Queue(here.name, lab, host_queue.provider)
        await _check_due(lab, "delayed by a process whose clock is wrong", from_there, await here.handled())
        from_here = Queue(host_queue.name, lab, here.provider)
        handler = lab.handler(name="handler of the process whose clock is wrong")
        await host_queue.work(handler, manager=await wrong.manager())
        await _check_due(lab, "run by a process whose clock is wrong", from_here, handler)


@rule("DST-05")
async def test_a_slow_job_holds_up_nobody_in_another_process(lab: Lab) -> None:
    """While a handler runs there, jobs are added, looked at, paused, run and listed here, and no
    transaction is open in the database, or in the files, that both share."""
    here, there = await here_and_there(lab)
    gate = lab.gate()
    slow, quick = lab.handler(gate=gate, name="slow handler"), lab.handler(name="quick handler")
    ids = await here.queue.add_marked("slow")
    await there.queue.work(slow, manager=await there.manager(lab))
    await slow.started(1)
    await here.queue.work(quick, concurrency=2)
    more = await here.queue.add_marked(*range(CROWD))
    await quick.finished(CROWD)
    await here.queue.pause()
    await here.queue.resume()
    lab.equal((await here.queue.job(ids[0])).state, "active", "state of the slow job meanwhile", jobs=ids)
    for id in more:
        await here.queue.reaches(id, "completed")
    await _check_no_transaction_is_open(lab)
    lab.equal((slow.running, len(slow.runs)), (1, 1), "slow handlers running, and begun", jobs=ids)
    gate.open()
    await here.queue.reaches(ids[0], "completed")


async def _check_due(lab: Lab, what: str, queue: Queue, handler: Recorder) -> None:
    """A job with a delay starts when that is over, by our clock."""
    added_ms = now_ms()
    id = await queue.add({"n": "delayed"}, delay=DELAY_MS)
    await handler.started(1)
    waited_ms = handler.runs[0].started_ms - added_ms
    lab.check(
        waited_ms >= DELAY_MS - CLOCK_MS,
        f"a job {what} starts when its delay of {DELAY_MS} ms is over",
        f"it started after {waited_ms:.0f} ms",
        jobs=[id],
    )


async def _pair(lab: Lab, direction: str) -> tuple[Place, Place]:
    here, there = await here_and_there(lab)
    return (here, there) if direction == "here to there" else (there, here)


async def _check_no_transaction_is_open(lab: Lab) -> None:
    """A Postgres is asked; files must be free to be locked by somebody else."""
    seen: list[str] = []

    async def none_is_open() -> bool:
        seen[:] = open_transactions(lab.setting.dsn or "")
        return not seen

    if lab.setting.dsn is not None:
        await lab.eventually(
            none_is_open,
            expected="no transaction is open in the database while a handler runs",
            seen=lambda: f"open for as long as it was looked at: {seen}",
        )
    if lab.setting.directory is not None:
        files = LockedFiles(lab.setting.directory)
        try:
            await files.lock()
        except RuntimeError as error:
            lab.check(False, "the files can be locked by another process while a handler runs", error)
        finally:
            await files.release()


async def _ask_all(queue: Queue, id: str) -> None:
    """Every question once, so that an answer may be kept for too long."""
    await queue.get(id)
    await queue.list()
    await queue.list(state=["waiting"], limit=10)
    await queue.counts()
    await queue.is_paused()


async def _check_seen_alike(lab: Lab, doing: Place, asking: Place, id: str) -> None:
    """Both processes give the same job for ``id``, alone and in a list."""
    original, seen = await doing.queue.job(id), await asking.queue.get(id)
    lab.check(seen is not None, f"get_job in {asking.name} finds a job of {doing.name}", "None", jobs=[id])
    listed = [job for job in await asking.queue.list() if job.id == id]
    lab.equal(len(listed), 1, f"how often {asking.name} lists a job of {doing.name}", jobs=[id])
    for way, job in (("get_job", seen), ("get_jobs", listed[0])):
        left, right = fields_of(job), fields_of(original)
        differing = differences(left, right, but=())
        lab.check(
            not differing,
            f"{way} in {asking.name} gives the job as {doing.name} does",
            "; ".join(f"{name} is {left[name]!r}, there {right[name]!r}" for name in differing),
            jobs=[id],
        )
