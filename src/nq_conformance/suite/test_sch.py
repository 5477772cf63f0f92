"""SCH: delays and series."""

from __future__ import annotations

import time

from nq_conformance.adapters import Capability
from nq_conformance.clock import MINUTE
from nq_conformance.contract import ScheduleOptions
from nq_conformance.lab import Lab
from nq_conformance.suite.rules import rule

CLOCK_MS = 2
"""Two clocks that are both read in whole milliseconds may differ by this much."""


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
        asked[ms] = time.time() * 1000
        await queue.add({"n": ms}, delay=ms)
    for ms in (350, 1250):
        asked[ms] = time.time() * 1000
        await queue.schedule({"n": ms}, ScheduleOptions(delay=ms))
    await handler.started(4)
    for run in handler.runs:
        waited = run.started_ms - asked[run.mark]
        lab.check(
            waited >= run.mark - CLOCK_MS,
            f"a job with a delay of {run.mark} ms starts no earlier",
            f"it started after {waited:.0f} ms",
        )


@rule("SCH-08")
async def test_each_match_makes_one_job_with_an_id_of_its_own(lab: Lab) -> None:
    """The first run is at the next match and not at once; each run is a job of its own."""
    queue = await lab.queue()
    handler = await queue.handled()
    seconds = lab.claims(Capability.CRON_SECONDS)
    period_ms, pattern = (1_000, "* * * * * *") if seconds else (60_000, "* * * * *")
    began = time.time() * 1000
    await queue.schedule("tick", ScheduleOptions(cron=pattern))
    if seconds:
        await handler.finished(3)
    else:
        await handler.finished(2, budget=MINUTE)
    first_match = (began // period_ms + 1) * period_ms
    first = handler.runs[0].started_ms
    lab.check(
        first >= first_match - CLOCK_MS,
        f"the first run starts at the next match of {pattern!r}",
        f"it started {first_match - first:.0f} ms before",
    )
    matches = [run.started_ms // period_ms for run in handler.runs]
    lab.check(len(set(matches)) == len(matches), "one run for each match", f"runs at {matches}")
    ids = [run.job_id for run in handler.runs]
    lab.check(len(set(ids)) == len(ids), "each run has a job id of its own", repr(ids))
