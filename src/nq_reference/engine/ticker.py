"""Turns due runs of series into jobs. Of several workers that try, one succeeds (SCH-11)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from nq_reference.job_source import JobSource, NewJob, Schedule
from nq_reference.schedule import next_run


async def fire(source: JobSource, queue: str, due: Sequence[Schedule]) -> None:
    """Make one job for each series in ``due`` and set it to its next match from now.

    Matches that were missed meanwhile (no worker, a paused queue) collapse into the one
    job made here (SCH-13).
    """
    now = await source.now()
    for schedule in due:
        job = NewJob(uuid.uuid4().hex, schedule.name, schedule.data, schedule.opts)
        await source.fire(queue, schedule, _following(schedule, now), job)


def _following(schedule: Schedule, now: int) -> int | None:
    if schedule.limit is not None and schedule.runs + 1 >= schedule.limit:
        return None
    # Never before the run at hand, even if the clock was set back (SCH-12).
    return next_run(schedule.pattern, schedule.tz, max(now, schedule.next_at))
