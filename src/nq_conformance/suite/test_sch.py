"""SCH: delays, and schedules without options."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nq_conformance.contract import Job, ScheduleOptions
from nq_conformance.lab import Lab, Queue
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.fields import differences, fields_of
from nq_conformance.suite.options import job_options
from nq_conformance.suite.rules import rule
from nq_conformance.suite.series import CLOCK_MS, now_ms

_names = count(1)

OVERFLOWING_MS = (2**31, 2**31 + 40, 2**32, 2**32 + 150, 2**33 + 1, 10**11)
"""Delays that in 32 bits are negative, zero or short."""


@rule("SCH-01")
@given(
    opts=job_options, delay=st.sampled_from([0, 0, 60_000]), empty=st.sampled_from([None, ScheduleOptions()])
)
@examples(25)
async def test_schedule_without_options_stores_the_job_that_enqueue_stores(
    lab: Lab, opts: dict[str, Any], delay: int, empty: ScheduleOptions | None
) -> None:
    """With options of the job of any kind, also a delay; options left out, and empty ones."""
    number = next(_names)
    one, other = await lab.queue(f"enqueued{number}"), await lab.queue(f"scheduled{number}")
    enqueued = await one.job(await one.add({"n": 1}, delay=delay, **opts))
    scheduled = await other.job(await other.schedule({"n": 1}, empty, delay=delay, **opts))
    lab.equal(enqueued.state, "delayed" if delay else "waiting", "the state of the enqueued job")
    _check_alike(lab, "schedule without options", scheduled, enqueued, but=("id", "opts.job_id", "timestamp"))


@rule("SCH-01")
async def test_a_job_scheduled_without_options_is_told_of_and_runs_like_any(lab: Lab) -> None:
    """It keeps a job_id of its own, is added once, told of once and runs at once."""
    queue = await lab.queue()
    waiting = await queue.listen("waiting")
    handler = await queue.handled(concurrency=1) if lab.adapter.has_workers else None
    ids = [await queue.schedule("a", job_id="own"), await queue.schedule("b", ScheduleOptions())]
    lab.equal(ids[0], "own", "schedule returns the job_id given")
    lab.equal(await queue.schedule("again", ScheduleOptions(), job_id="own"), "own", "and once more")
    ids.append(await queue.add("c"))
    await waiting.heard(3)
    lab.equal(waiting.job_ids, ids, "the jobs of `waiting` events", jobs=ids)
    if handler is not None:
        await handler.finished(3)
        lab.equal([run.data for run in handler.runs], ["a", "b", "c"], "what has run", jobs=ids)


@rule("SCH-02")
async def test_the_id_of_a_delayed_job_is_that_of_the_job_that_runs(lab: Lab) -> None:
    """With and without a job_id of one's own; the job keeps its options and runs once."""
    queue = await lab.queue()
    handler = await queue.handled()
    own = await queue.schedule("own", ScheduleOptions(delay=150), job_id="my-id", priority=4)
    lab.equal(own, "my-id", "schedule returns the job_id given")
    made = await queue.schedule("made", ScheduleOptions(delay=150), attempts=3)
    for id, data in ((own, "own"), (made, "made")):
        lab.equal((await queue.job(id)).data, data, "data of the job by the id returned", jobs=[id])
        await queue.reaches(id, "completed")
    lab.equal((await queue.job(own)).opts.priority, 4, "its priority", jobs=[own])
    lab.equal((await queue.job(made)).opts.attempts, 3, "its attempts", jobs=[made])
    await lab.canary(1)
    lab.equal(
        sorted(await queue.ids()), sorted([own, made]), "all jobs of the queue, no placeholders among them"
    )
    lab.equal(sorted(run.data for run in handler.runs), ["made", "own"], "what has run")


@rule("SCH-03")
async def test_a_delayed_job_starts_after_its_delay_in_milliseconds(lab: Lab) -> None:
    """By enqueue and by schedule, with delays that seconds would round away."""
    queue = await lab.queue()
    handler = await queue.handled(concurrency=4)
    asked: dict[int, float] = {}
    for ms in (250, 650):
        asked[ms] = now_ms()
        await queue.add({"n": ms}, delay=ms)
    for ms in (350, 1250):
        asked[ms] = now_ms()
        await queue.schedule({"n": ms}, ScheduleOptions(delay=ms))
    await handler.started(4)
    for run in handler.runs:
        waited = run.started_ms - asked[run.mark]
        lab.check(
            waited >= run.mark - CLOCK_MS,
            f"a job with a delay of {run.mark} ms starts no earlier",
            f"it started after {waited:.0f} ms",
        )


@rule("SCH-04")
async def test_a_delay_beyond_32_bits_does_not_make_the_job_run_now(lab: Lab) -> None:
    """By enqueue and by schedule; a job with an ordinary delay is due and runs meanwhile."""
    queue = await lab.queue()
    for ms in OVERFLOWING_MS:
        await queue.add({"n": f"{ms} ms, enqueued"}, delay=ms)
        await queue.schedule({"n": f"{ms} ms, scheduled"}, ScheduleOptions(delay=ms))
    wanted = {f"{ms} ms, {way}" for ms in OVERFLOWING_MS for way in ("enqueued", "scheduled")}
    await _check_delayed(lab, queue, wanted)
    if lab.adapter.has_workers:
        handler = await queue.handled(concurrency=2)
        other = await lab.queue()
        ordinary = await other.handled()
        await other.add({"n": "soon"}, delay=300)
        await ordinary.finished(1)
        await lab.canary(1)
        lab.equal(handler.marks, [], "what has run, by its delay")
        await _check_delayed(lab, queue, wanted)


@rule("SCH-05")
@given(opts=job_options, delay=st.integers(60_000, 2**31 - 1))
@examples(25)
async def test_a_delay_by_enqueue_and_by_schedule_stores_the_same_job(
    lab: Lab, opts: dict[str, Any], delay: int
) -> None:
    """Two delayed jobs with the same options, both listed as delayed."""
    queue = await lab.queue(f"either{next(_names)}")
    await queue.add({"n": "enqueued"}, delay=delay, **opts)
    await queue.schedule({"n": "scheduled"}, ScheduleOptions(delay=delay), **opts)
    jobs = await _check_delayed(lab, queue, {"enqueued", "scheduled"})
    apart = ("id", "data", "timestamp", "opts.job_id", "opts.delay")  # where the delay is kept is not settled
    what = f"schedule with a delay of {delay} ms"
    _check_alike(lab, what, jobs["scheduled"], jobs["enqueued"], but=apart)


@rule("SCH-05")
async def test_delays_by_enqueue_and_by_schedule_hold_jobs_back_alike(lab: Lab) -> None:
    """Short and long ones in both ways: only the short ones run, and `delayed` told of the long ones."""
    queue = await lab.queue()
    told = await queue.listen("delayed")
    handler = await queue.handled() if lab.adapter.has_workers else None
    for delay in (150, 60_000):
        await queue.add({"n": f"enqueued, {delay} ms"}, delay=delay)
        await queue.schedule({"n": f"scheduled, {delay} ms"}, ScheduleOptions(delay=delay))
    if handler is not None:
        await handler.finished(2)
        await lab.canary()
        wanted = ["enqueued, 150 ms", "scheduled, 150 ms"]
        lab.equal(sorted(map(str, handler.marks)), wanted, "what has run")
    jobs = await _check_delayed(lab, queue, {"enqueued, 60000 ms", "scheduled, 60000 ms"}, others=True)
    long = [jobs[f"{way}, 60000 ms"].id for way in ("enqueued", "scheduled")]
    await lab.sees(
        lambda: set(long) <= set(told.job_ids),
        expected="`delayed` events of both long ones",
        seen=lambda: f"events of {told.job_ids}",
        jobs=long,
    )


def _check_alike(lab: Lab, what: str, one: object, other: object, *, but: tuple[str, ...]) -> None:
    """``one`` has the fields of ``other``, which was enqueued."""
    left, right = fields_of(one), fields_of(other)
    differing = differences(left, right, but=but)
    lab.check(
        not differing,
        f"{what} stores the job that enqueue stores",
        "; ".join(f"{name} is {left[name]!r}, with enqueue {right[name]!r}" for name in differing),
        jobs=[left["id"], right["id"]],
    )


async def _check_delayed(lab: Lab, queue: Queue, marks: set[str], *, others: bool = False) -> dict[str, Job]:
    """The delayed jobs by their marks: these, and ``others`` only where allowed."""
    jobs = {str(field_of(job.data, "n")): job for job in await queue.list(state=["delayed"])}
    seen = set(jobs) & marks if others else set(jobs)
    lab.equal(sorted(seen), sorted(marks), "the delayed jobs")
    return jobs
