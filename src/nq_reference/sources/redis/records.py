"""Jobs and series as the scripts take and return them. Pure; the order of fields is theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from nq_conformance.contract import JobState
from nq_reference.codec import decode_options, encode_options
from nq_reference.job_source import ClaimedJob, Exchange, NewJob, Outcome, Schedule, StoredJob
from nq_reference.retry import kept

Field = str | None
JobArguments = tuple[bytes, bytes, bytes, bytes, int, int, str]


def job_arguments(job: NewJob) -> JobArguments:
    """A new job as ``add`` and ``fire`` take it.

    Encoded here, so that text which UTF-8 can't hold raises ``UnicodeEncodeError`` to the one
    who gave it and not to those whose jobs travel along.
    """
    opts = job.opts
    return (
        job.id.encode(),
        job.name.encode(),
        job.data.encode(),
        encode_options(opts).encode(),
        job.delay,
        opts.priority,
        _number_or_all(kept(opts.remove_on_fail)),
    )


def outcome_arguments(outcome: Outcome) -> tuple[str | int, ...]:
    """An outcome as ``exchange`` takes it."""
    keep = _number_or_all(outcome.keep)
    return (outcome.job_id, outcome.token, outcome.kind, outcome.text, outcome.delay, keep)


def schedule_arguments(schedule: Schedule) -> tuple[str | int, ...]:
    """A series as ``put_schedule`` takes it."""
    opts = encode_options(schedule.opts)
    limit = _number_or_all(schedule.limit)
    head = (schedule.id, schedule.name, schedule.data, opts, schedule.pattern, schedule.tz or "")
    return (*head, limit, schedule.next_at, schedule.runs)


def stored_job(row: Sequence[Field]) -> StoredJob:
    """A job as ``get`` and ``list`` return it."""
    id_, name, data, state, opts, timestamp, processed_on, finished_on, attempts, *rest = row
    return_value, failed_reason, progress = rest
    return StoredJob(
        id=_text(id_),
        name=_text(name),
        data=_text(data),
        state=cast("JobState", state),
        opts=decode_options(_text(opts)),
        timestamp=int(_text(timestamp)),
        processed_on=_number(processed_on),
        finished_on=_number(finished_on),
        attempts_made=int(_text(attempts)),
        return_value=return_value,
        failed_reason=failed_reason,
        progress=progress,
    )


def exchange_of(reply: Sequence[object], token: str) -> Exchange:
    """The answer of ``exchange``, for a claim under ``token``."""
    accepted, claimed, dead, due, next_in_ms = reply
    soon = int(cast("str", next_in_ms))
    return Exchange(
        accepted=[bool(flag) for flag in cast("Sequence[int]", accepted)],
        claimed=[_claimed_job(row, token) for row in cast("Sequence[Sequence[str]]", claimed)],
        dead=[_claimed_job(row[:5], row[5]) for row in cast("Sequence[Sequence[str]]", dead)],
        due=[schedule_of(row) for row in cast("Sequence[Sequence[str]]", due)],
        next_in_ms=None if soon < 0 else soon,
    )


def schedule_of(row: Sequence[str]) -> Schedule:
    """A series as ``schedules`` and ``exchange`` return it."""
    id_, name, data, opts, pattern, tz, limit, next_at, runs = row
    return Schedule(
        id=id_,
        name=name,
        data=data,
        opts=decode_options(opts),
        pattern=pattern,
        tz=tz or None,
        limit=int(limit) if limit else None,
        next_at=int(next_at),
        runs=int(runs),
    )


def _claimed_job(row: Sequence[str], token: str) -> ClaimedJob:
    id_, name, data, opts, attempts_made = row
    return ClaimedJob(id_, name, data, decode_options(opts), int(attempts_made), token)


def _number_or_all(limit: int | None) -> str:
    return "" if limit is None else str(limit)


def _text(field: Field) -> str:
    if field is None:
        raise ValueError("a job's record lacks one of its fields; something else has written to its key")
    return field


def _number(field: Field) -> int | None:
    return None if field is None else int(field)
