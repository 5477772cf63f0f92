"""What the lab notes of its entries for checkers: small JSON values, whatever a test hands in.

Their names and meaning are told by the schema of stored histories, ``report/schema/history-1.json``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from nq_conformance.contract import JobCounts, WorkerOptions

if TYPE_CHECKING:
    from nq_conformance.lab.handlers import Run

Facts: TypeAlias = Mapping[str, Any]
_UNFINISHED = ("waiting", "active", "delayed", "paused")
_FINISHED = ("completed", "failed")
_LONGEST = 200


def of_job(job: Any, when: Any = None) -> Facts:
    """Of a job that is enqueued or scheduled: what decides when it runs, how often, and what is kept."""
    opts = getattr(job, "opts", None)
    delays = [getattr(each, "delay", None) for each in (opts, when)]
    return {
        "name": plain(getattr(job, "name", None)),
        "jobId": plain(getattr(opts, "job_id", None)),
        "attempts": plain(getattr(opts, "attempts", 1)),
        "priority": plain(getattr(opts, "priority", 0)),
        "delayed": any(bool(delay) for delay in delays),
        "removed": any(
            getattr(opts, name, False) is not False for name in ("remove_on_complete", "remove_on_fail")
        ),
        "series": any(getattr(when, name, None) is not None for name in ("cron", "repeat")),
    }


def of_worker(manager: int, job_name: str, opts: WorkerOptions | None) -> Facts:
    """Of a registration; ``manager`` tells the managers of one process apart."""
    concurrency = (opts or WorkerOptions()).concurrency
    return {"manager": manager, "name": plain(job_name), "concurrency": plain(concurrency)}


def of_result(label: str, result: Any) -> Facts:
    """Of what a call returned, where it is a look at a job or at a queue."""
    if label == "get_job":
        return {"state": text_or_none(getattr(result, "state", None))}
    if label == "get_job_counts" and isinstance(result, JobCounts):
        return _of_counts(result)
    return {}


def _of_counts(counts: JobCounts) -> Facts:
    """Nothing of counts that are no whole numbers: nobody could reckon with them."""
    unfinished = [getattr(counts, state) for state in _UNFINISHED]
    finished = [getattr(counts, state) for state in _FINISHED]
    if not all(isinstance(count, int) for count in unfinished + finished):
        return {}
    return {"unfinished": sum(unfinished), "finished": sum(finished)}


def of_error(error: BaseException) -> Facts:
    """Of a call or a handler that raised, or was cancelled."""
    ended = "raised" if isinstance(error, Exception) else "cancelled"
    return {"outcome": ended, "error": str(getattr(error, "kind", type(error).__name__))}


def of_run(run: Run) -> Facts:
    """Of a handler's start; with how it ended, once it has."""
    ctx = run.ctx
    facts = {
        "run": run.serial,
        "queue": plain(getattr(ctx, "queue", None)),
        "attempt": plain(getattr(ctx, "attempt", None)),
        "process": text_or_none(getattr(ctx, "process", None)),
    }
    if run.ended_ms is None:
        return facts
    if run.error is None:
        return {**facts, "outcome": "returned"}
    final = getattr(run.error, "unrecoverable", False) is True
    return {**facts, **of_error(run.error), "final": final}


def text_or_none(value: Any) -> str | None:
    """``value`` if it is a text or ``None``, else a text that shows it."""
    return None if value is None else str(plain(value if isinstance(value, str) else repr(value)))


def plain(value: Any) -> Any:
    """``value`` if it is a simple JSON value, else a text that shows it."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text[:_LONGEST]
