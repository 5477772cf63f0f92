"""Jobs and options, from our shapes to BullMQ's and back. Pure.

Beside BullMQ's own options a job of ours may carry two more, which BullMQ keeps and ignores:
``timeout``, the milliseconds of one attempt, and ``nqSequence``, which orders jobs that one
provider added within a millisecond.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, cast

from nq_conformance.contract import Backoff, JobOptions, JobState
from nq_reference.job_source import ClaimedJob, StoredJob

SEQUENCE = "nqSequence"
STATES: Mapping[str, JobState] = {
    "completed": "completed",
    "failed": "failed",
    "delayed": "delayed",
    "active": "active",
    "prioritized": "waiting",
    "waiting-children": "waiting",
    "wait": "waiting",
    "paused": "waiting",  # where BullMQ 5 keeps the backlog of a paused queue
}
"""BullMQ's lists and sets, and the state of the contract that each stands for."""

Fields = Mapping[str, str]


def options_to(opts: JobOptions, delay: int, sequence: int = 0) -> dict[str, Any]:
    """Options as BullMQ takes them; what a worker could default otherwise is said outright."""
    found: dict[str, Any] = {
        "attempts": opts.attempts,
        "delay": max(delay, 0),
        "removeOnComplete": opts.remove_on_complete,
        "removeOnFail": opts.remove_on_fail,
    }
    if opts.job_id is not None:
        found["jobId"] = opts.job_id
    if opts.priority:
        found["priority"] = opts.priority
    if opts.backoff is not None:
        found["backoff"] = {"type": opts.backoff.type, "delay": opts.backoff.delay}
    if opts.timeout is not None:
        found["timeout"] = opts.timeout
    if sequence:
        found[SEQUENCE] = sequence
    return found


def options_from(opts: Mapping[str, Any]) -> JobOptions:
    """Options of a job that anybody may have added, as far as the contract has them.

    The run of a series has neither an id nor a delay that its caller asked for.
    """
    of_series = "repeat" in opts
    timeout = opts.get("timeout")
    return JobOptions(
        job_id=None if of_series else _text(opts.get("jobId")),
        attempts=_number(opts.get("attempts")),
        backoff=_backoff(opts.get("backoff")),
        delay=0 if of_series else _number(opts.get("delay")),
        priority=_number(opts.get("priority")),
        timeout=_number(timeout) or None,
        remove_on_complete=_retention(opts.get("removeOnComplete")),
        remove_on_fail=_retention(opts.get("removeOnFail")),
    )


def stored_job(id: str, state: JobState, fields: Fields) -> StoredJob:
    """A job from its hash."""
    reason = fields.get("failedReason")
    return StoredJob(
        id=id,
        name=fields.get("name", ""),
        data=fields.get("data", "{}"),
        state=state,
        opts=options_from(options_of(fields)),
        timestamp=_number(fields.get("timestamp")),
        processed_on=_number_or_none(fields.get("processedOn")),
        finished_on=_number_or_none(fields.get("finishedOn")),
        attempts_made=_number(fields.get("atm") or fields.get("attemptsMade")),
        return_value=json_text(fields.get("returnvalue")) if state == "completed" else None,
        failed_reason=None if state == "completed" else reason,
        progress=json_text(fields.get("progress")),
    )


def age_of(id: str, fields: Fields) -> tuple[int, int, str]:
    """What orders jobs by their creation."""
    return _number(fields.get("timestamp")), _number(options_of(fields).get(SEQUENCE)), id


def claimed_job(job: Any, token: str) -> ClaimedJob:
    """A job that BullMQ's worker hands to its processor."""
    data = json.dumps(job.data, separators=(",", ":"))
    return ClaimedJob(str(job.id), str(job.name), data, options_from(job.opts), int(job.attemptsMade), token)


def options_of(fields: Fields) -> dict[str, Any]:
    """The options in a job's hash, as BullMQ wrote them."""
    found = json.loads(fields.get("opts") or "{}")
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def json_text(text: str | None) -> str | None:
    """``text`` if it is JSON, else as a JSON string: a foreign writer may have put in anything."""
    if text is None:
        return None
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(text)
    return text


def _backoff(backoff: Any) -> Backoff | None:
    if isinstance(backoff, int) and backoff:
        return Backoff("fixed", backoff)
    if not isinstance(backoff, dict):
        return None
    kind: Literal["fixed", "exponential"] = "exponential" if backoff.get("type") == "exponential" else "fixed"
    return Backoff(kind, _number(backoff.get("delay")))


def _retention(keep: Any) -> bool | int:
    if isinstance(keep, dict):
        keep = keep.get("count")
    if isinstance(keep, bool):
        return keep
    return False if keep is None or _number(keep) < 0 else _number(keep)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> int:
    """A number that a script, Node or Python wrote; 0 for what is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        pass
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0


def _number_or_none(text: str | None) -> int | None:
    return None if text is None else _number(text)
