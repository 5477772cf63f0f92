"""Turns due runs of series into jobs. Of several workers that try, one succeeds (SCH-11)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from typing import Final

from nq_conformance.contract import InvalidScheduleError
from nq_reference.job_source import JobSource, NewJob, Schedule
from nq_reference.schedule import next_run

logger = logging.getLogger("nq_reference")
BROKEN_REST_MS: Final = 1_000
"""How long a worker rests, unless it is woken, that has met nothing but series without a next run."""


async def fire(source: JobSource, queue: str, due: Sequence[Schedule]) -> int:
    """Make one job for each series in ``due`` and set it to its next match from now; how many it were.

    Matches that were missed meanwhile (no worker, a paused queue) collapse into the one
    job made here (SCH-13). A series whose next match can't be told, as this host does not know its time
    zone, is left as it is, for a worker that does; the others of its queue run.
    """
    now = await source.now()
    fired = 0
    for schedule in due:
        try:
            following = _following(schedule, now)
        except InvalidScheduleError as error:
            logger.warning("the series %s of queue %r can't run here: %s", schedule.id, queue, error)
            continue
        job = NewJob(uuid.uuid4().hex, schedule.name, schedule.data, schedule.opts)
        await source.fire(queue, schedule, following, job)
        fired += 1
    return fired


def _following(schedule: Schedule, now: int) -> int | None:
    if schedule.limit is not None and schedule.runs + 1 >= schedule.limit:
        return None
    # Never before the run at hand, even if the clock was set back (SCH-12).
    return next_run(schedule.pattern, schedule.tz, max(now, schedule.next_at))
