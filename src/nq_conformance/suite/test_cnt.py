"""CNT: counts."""

from __future__ import annotations

from nq_conformance.contract import JOB_STATES, ScheduleOptions
from nq_conformance.lab import Lab, Queue, Run
from nq_conformance.suite.rules import rule
from nq_conformance.suite.scenes import one_in_each_state


@rule("CNT-01")
async def test_counts_have_all_six_keys_and_are_zero_for_an_unknown_queue(lab: Lab) -> None:
    """Six ints, all zero; then one job, and one of them is one."""
    queue = await lab.queue()
    counts = await queue.counts()
    for state in JOB_STATES:
        n = getattr(counts, state, "missing")
        lab.check(type(n) is int and n == 0, f"counts.{state} of an unknown queue is 0", repr(n))
    await queue.reaches(await queue.add(), "waiting")
    counts = await queue.counts()
    total = [getattr(counts, state, None) for state in JOB_STATES]
    lab.check(sorted(total, key=repr) == [0, 0, 0, 0, 0, 1], "one job is counted once", repr(counts))


@rule("CNT-02")
async def test_counts_agree_with_lists(lab: Lab) -> None:
    """With jobs in every state at rest, each count is the length of that state's list."""
    queue = await lab.queue()
    scene = await one_in_each_state(lab, queue)
    counts = await queue.counts()
    for state in JOB_STATES:
        listed = len(await queue.list(state=[state]))
        lab.equal(
            getattr(counts, state), listed, f"counts.{state}, as many as get_jobs lists", jobs=list(scene)
        )
    lab.equal(sum(getattr(counts, s) for s in JOB_STATES), len(scene), "the sum of all counts")


@rule("CNT-02")
async def test_counts_agree_with_lists_on_a_paused_queue(lab: Lab) -> None:
    """A held job may be shown as waiting or as paused, but in counts and lists alike."""
    queue = await lab.queue()
    scene = await one_in_each_state(lab, queue)
    await queue.pause()
    ids = [*scene, *await queue.add_marked("came later", "came last")]
    counts = await queue.counts()
    for state in JOB_STATES:
        listed = len(await queue.list(state=[state]))
        what = f"counts.{state} on a paused queue, as many as get_jobs lists"
        lab.equal(getattr(counts, state, None), listed, what, jobs=ids)


@rule("CNT-03")
async def test_a_job_that_has_not_run_is_counted_once(lab: Lab) -> None:
    """Plain, with a priority, delayed in either way, given twice; before, during and after a pause."""
    queue = await lab.queue()
    later = ScheduleOptions(delay=60_000)
    ids: list[str] = []
    for round, change in enumerate((None, queue.pause, queue.resume), start=1):
        if change is not None:
            await change()
        ids += [await queue.add(), await queue.add(priority=3), await queue.add(delay=60_000)]
        await queue.schedule(None, later, priority=2, job_id=f"delayed-{round}")
        for _ in range(2):
            await queue.add(job_id=f"twice-{round}")
        ids += [f"delayed-{round}", f"twice-{round}"]
        kept = await _kept(queue, ids)
        lab.check(len(kept) >= 5, "the jobs given before the pause are kept", kept)
        await _check_total(lab, queue, len(kept))


@rule("CNT-03")
async def test_every_job_is_counted_once_while_jobs_are_worked_off(lab: Lab) -> None:
    """Counted in the middle of each run, three at a time, with delays, failures and retries."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue()
    totals: list[int] = []

    async def body(run: Run) -> None:
        totals.append(await _total(queue))
        if run.mark % 3 == 0:
            raise RuntimeError("failed on purpose")

    gate = lab.gate()
    handler = lab.handler(body, gate=gate)
    await queue.work(handler, concurrency=3)
    for mark in range(48):
        await queue.add({"n": mark}, attempts=1 + mark % 2, priority=mark % 5, delay=mark % 7)
    gate.open()
    await handler.finished(56)
    lab.equal(sorted(set(totals)), [48], "the sum of all counts, whenever one of 48 jobs runs")
    await lab.canary(1)
    await _check_total(lab, queue, 48)


@rule("CNT-04")
async def test_waiting_and_paused_are_together_the_backlog_of_a_paused_queue(lab: Lab) -> None:
    """Jobs that were there before the pause and jobs that come later; delayed ones don't belong."""
    queue = await lab.queue()
    ids = [await queue.add(), await queue.add(priority=4)]
    delayed = await queue.add(delay=60_000)
    await queue.pause()
    await _check_backlog(lab, queue, 2, ids)
    ids += [await queue.add(), await queue.add(priority=1), await queue.add(priority=9)]
    await _check_backlog(lab, queue, len(await _kept(queue, ids)), ids)
    lab.equal((await queue.counts()).delayed, 1, "counts.delayed on a paused queue", jobs=[delayed])
    await queue.resume()
    lab.equal((await queue.counts()).paused, 0, "counts.paused after resume", jobs=ids)


async def _kept(queue: Queue, ids: list[str]) -> list[str]:
    """Those of ``ids`` that get_job finds: whether a job may come during a pause is for PAU-04."""
    return [id for id in ids if await queue.get(id) is not None]


async def _total(queue: Queue) -> int:
    counts = await queue.counts()
    return sum(getattr(counts, state, 0) for state in JOB_STATES)


async def _check_total(lab: Lab, queue: Queue, jobs: int) -> None:
    counts = await queue.counts()
    total = sum(getattr(counts, state, 0) for state in JOB_STATES)
    lab.check(total == jobs, f"{jobs} jobs are counted, each once", f"{total}: {counts!r}")


async def _check_backlog(lab: Lab, queue: Queue, backlog: int, ids: list[str]) -> None:
    counts = await queue.counts()
    seen = getattr(counts, "waiting", 0) + getattr(counts, "paused", 0)
    lab.check(
        seen == backlog,
        f"waiting + paused is the backlog of {backlog} on a paused queue",
        f"{seen}: {counts!r}",
        jobs=ids,
    )
