"""Rules of several areas about what a restart must leave as it was: order, pause, backoff, schedules."""

from __future__ import annotations

from nq_conformance.adapters import Capability
from nq_conformance.clock import DRAIN, Budget
from nq_conformance.contract import ScheduleOptions
from nq_conformance.lab import Lab, Queue
from nq_conformance.suite.restarts import Process, start
from nq_conformance.suite.rules import rule
from nq_conformance.suite.series import CLOCK_MS, Pulse, now_ms, shortest

BACKOFF_MS = 1_500
MISSED = 3
"""How many matches of a series go by while no process is there."""


@rule("ORD-06")
async def test_a_backlog_is_worked_off_in_its_order_after_a_restart(lab: Lab) -> None:
    """Thirty jobs, some with ids that would sort the other way, some with a priority, some that were
    held by a pause; a few more come after the restart."""
    first = await start(lab)
    queue = await first.queue("jobs")
    ids = [await queue.add({"n": n}, **({"job_id": f"job-{99 - n}"} if n % 2 else {})) for n in range(20)]
    ids += [await queue.add({"n": 100 + n}, priority=1 + n % 2) for n in range(4)]
    await queue.pause()
    ids += await queue.add_marked(*range(20, 26))
    await queue.resume()
    await first.end()
    second = await start(lab)
    queue = await second.queue("jobs")
    ids += await queue.add_marked(*range(26, 30))
    handler = await second.handled(queue, concurrency=1)
    await handler.finished(34)
    wanted = [*range(30), 100, 102, 101, 103]
    lab.equal(handler.marks, wanted, "the order of start after a restart", jobs=ids[:3])


@rule("PAU-08")
async def test_a_pause_and_its_end_survive_a_kill(lab: Lab) -> None:
    """One queue without jobs and one with some are paused; a third was paused, and resumed last."""
    first = await start(lab)
    names = ("empty", "jobs", "resumed")
    queues = {name: await first.queue(name) for name in names}
    id = await queues["jobs"].add({"n": 1})
    for name in ("resumed", "empty", "jobs"):
        await queues[name].pause()
    await queues["resumed"].resume()
    await first.kill()
    second = await start(lab)
    queues = {name: await second.queue(name) for name in names}
    seen = {name: await queue.is_paused() for name, queue in queues.items()}
    wanted = {"empty": True, "jobs": True, "resumed": False}
    lab.equal(seen, wanted, "is_paused after a kill and a restart")
    if lab.adapter.has_workers:
        await _check_held(lab, second, queues, id)


async def _check_held(lab: Lab, process: Process, queues: dict[str, Queue], id: str) -> None:
    """No job of the paused queues runs before resume; one of the queue that was resumed does."""
    handler = lab.handler()
    for queue in queues.values():
        await process.work(queue, handler)
    await queues["empty"].add({"n": 2})
    await queues["resumed"].add({"n": "resumed"})
    await handler.finished(1)
    await process.canary(queues["jobs"])
    lab.equal(handler.marks, ["resumed"], "jobs that ran while two queues were paused, by mark", jobs=[id])
    for name in ("empty", "jobs"):
        await queues[name].resume()
    await handler.finished(3)
    lab.equal(sorted(map(str, handler.marks)), ["1", "2", "resumed"], "jobs that ran, by mark", jobs=[id])


@rule("RTY-07")
async def test_backoff_and_attempts_survive_a_kill(lab: Lab) -> None:
    """Two jobs have failed once when the process is killed. One is due soon, for its last attempt; the
    other in a minute."""
    first = await start(lab)
    queue = await first.queue("jobs")
    failing = lab.failing("first failure")
    await first.work(queue, failing)
    later = await queue.add({"n": "later"}, attempts=3, backoff=("fixed", 60_000))
    await queue.reaches(later, "delayed")
    soon = await queue.add({"n": "soon"}, attempts=2, backoff=("fixed", BACKOFF_MS))
    await queue.reaches(soon, "delayed")
    await first.kill()
    second = await start(lab)
    queue = await second.queue("jobs")
    for id in (soon, later):
        job = await queue.job(id)
        what = "attempts_made and reason after the restart"
        lab.equal((job.attempts_made, job.failed_reason), (1, "first failure"), what, jobs=[id])
    again = lab.failing("second failure")
    await second.work(queue, again)
    await again.started(1, budget=DRAIN)
    due_ms = min(run.ended_ms or 0 for run in failing.runs if run.mark == "soon") + BACKOFF_MS
    early = due_ms - again.runs[0].started_ms
    lab.check(
        early <= CLOCK_MS,
        f"the second attempt starts no sooner than {BACKOFF_MS} ms after the end of the first",
        f"it started {early:.0f} ms too soon",
        jobs=[soon],
    )
    job = await queue.reaches(soon, "failed")
    lab.equal(
        (job.attempts_made, job.failed_reason), (2, "second failure"), "attempts and reason", jobs=[soon]
    )
    await second.canary(queue)
    tried = [(run.mark, getattr(run.ctx, "attempt", None)) for run in again.runs]
    lab.equal(tried, [("soon", 2)], "runs after the restart, as (mark, ctx.attempt)", jobs=[soon, later])
    job = await queue.job(later)
    lab.equal(
        (job.state, job.attempts_made), ("delayed", 1), "state and attempts_made of the other", jobs=[later]
    )


@rule("SCH-06")
async def test_delayed_jobs_survive_a_kill_and_overdue_ones_run_once(lab: Lab) -> None:
    """Two fall due while no process is there, one is due in a minute."""
    first = await start(lab)
    queue = await first.queue("jobs")
    overdue = [await queue.add({"n": "first"}, delay=40)]
    overdue.append(await queue.schedule({"n": "second"}, ScheduleOptions(delay=80)))
    later = await queue.add({"n": "later"}, delay=60_000)
    due_ms = now_ms() + 100
    await first.kill()
    await _clock_reaches(lab, due_ms, "the two jobs are due")
    second = await start(lab)
    queue = await second.queue("jobs")
    for id in (*overdue, later):
        state = (await queue.job(id)).state
        right = ("delayed",) if id == later else ("delayed", "waiting")
        lab.check(state in right, f"after the restart the job is {' or '.join(right)}", state, jobs=[id])
    if lab.adapter.has_workers:
        handler = await second.handled(queue)
        await handler.finished(2)
        for id in overdue:
            await queue.reaches(id, "completed")
        await second.canary(queue)
        ran = [(run.mark, run.job_id) for run in handler.runs]
        lab.equal(
            ran, [("first", overdue[0]), ("second", overdue[1])], "runs after the restart", jobs=overdue
        )
        lab.equal(
            (await queue.job(later)).state, "delayed", "state of the job that is due later", jobs=[later]
        )


@rule("SCH-06")
async def test_a_series_goes_on_after_a_kill(lab: Lab) -> None:
    """Some matches go by while no process is there; the series makes one job for all of them at most,
    and one for each match from then on."""
    if not (lab.claims(Capability.CRON) and lab.adapter.has_workers):
        return  # there are no series; delayed jobs have a test of their own
    pulse = shortest(lab)
    first = await start(lab)
    queue = await first.queue("series")
    await queue.schedule({"n": "run"}, ScheduleOptions(cron=pulse.pattern))
    await first.kill()
    missed = MISSED if lab.claims(Capability.CRON_SECONDS) else 1
    await _matches_pass(lab, pulse, missed)
    since_ms = now_ms()
    second = await start(lab)
    queue = await second.queue("series")
    handler = await second.handled(queue, concurrency=4)
    runs = await pulse.starts(handler, 3 if missed > 1 else 1)
    await second.canary(queue)
    pulse.check_one_a_match(
        lab, runs, since_ms, "runs from the restart on, and one for what was missed", spare=1
    )
    ids = {run.job_id for run in runs}
    lab.equal(len(ids), len(runs), "job ids of as many runs")


async def _matches_pass(lab: Lab, pulse: Pulse, count: int) -> None:
    end_ms = (now_ms() // pulse.period_ms + count) * pulse.period_ms
    await _clock_reaches(lab, end_ms, f"{count} matches of {pulse.pattern!r} go by")


async def _clock_reaches(lab: Lab, moment_ms: float, what: str) -> None:
    """Wait until it is ``moment_ms``, with nobody of the adapter there to tell us."""

    async def there() -> bool:
        return now_ms() >= moment_ms

    left_ms = max(0, moment_ms - now_ms())
    enough = Budget("clock", int((left_ms + 5_000) / lab.clock.time_scale), "the kit's clock goes on")
    await lab.eventually(there, budget=enough, expected=what, seen=lambda: "the clock stands still")
