"""Jobs and series as the statements take and return them. Pure; the order of fields is theirs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nq_reference.codec import decode_options, encode_options
from nq_reference.job_source import Claim, ClaimedJob, Exchange, NewJob, Outcome, Schedule, StoredJob
from nq_reference.retry import kept

JobArguments = tuple[str, str, str, str, int, int, int | None]
MAX_INT = 2**31 - 1
MAX_BIGINT = 2**63 - 1


def job_arguments(job: NewJob) -> JobArguments:
    """A new job as ``fire`` takes it, and ``add`` in columns."""
    opts = job.opts
    keep_failed = kept(opts.remove_on_fail)
    return (job.id, job.name, job.data, encode_options(opts), job.delay, opts.priority, keep_failed)


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows of ``width`` fields turned into as many columns."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def new_jobs(jobs: Sequence[JobArguments]) -> list[list[str | None]]:
    """Jobs as ``add`` takes them."""
    return _texts(jobs, 7)


def exchange_arguments(outcomes: Sequence[Outcome], claim: Claim) -> list[object]:
    """Outcomes and a claim as ``exchange`` takes them."""
    told = _texts([(o.job_id, o.token, o.kind, o.text, o.delay, o.keep) for o in outcomes], 6)
    want, stalls = min(claim.want, MAX_INT), min(claim.max_stalled_count, MAX_INT)
    return [*told, want, claim.token, claim.lock_duration_ms, stalls]


def exchange_of(row: Sequence[Any], token: str) -> Exchange:
    """The answer of ``exchange``, for a claim under ``token``."""
    accepted, ids, names, datas, opts, attempts, dead, due, next_in = row
    return Exchange(
        accepted=[each == "true" for each in accepted],
        claimed=[
            ClaimedJob(id_, name, data, decode_options(opt), int(made), token)
            for id_, name, data, opt, made in zip(ids, names, datas, opts, attempts, strict=True)
        ],
        dead=() if dead == "[]" else [_dead(fields) for fields in json.loads(dead)],
        due=() if due == "[]" else series_of(due),
        next_in_ms=next_in,
    )


def schedule_arguments(schedule: Schedule) -> tuple[object, ...]:
    """A series as ``put_schedule`` takes it."""
    head = (schedule.id, schedule.name, schedule.data, encode_options(schedule.opts))
    return (*head, schedule.pattern, schedule.tz, schedule.limit, schedule.next_at, schedule.runs)


def series_of(text: str) -> list[Schedule]:
    """Series as ``schedules`` and ``exchange`` return them."""
    return [
        Schedule(id_, name, data, decode_options(opts), pattern, tz, limit, next_at, runs)
        for id_, name, data, opts, pattern, tz, limit, next_at, runs in json.loads(text)
    ]


def stored_job(row: Sequence[Any]) -> StoredJob:
    """A job as ``get`` and ``list`` return it."""
    id_, name, data, state, opts, created_on, processed_on, finished_on, attempts, *texts = row
    return StoredJob(
        id_, name, data, state, decode_options(opts), created_on, processed_on, finished_on, attempts, *texts
    )


def is_storable(id: object) -> bool:
    """Whether a job or series could have this id: text that Postgres can hold."""
    if not isinstance(id, str) or "\0" in id:
        return False
    try:
        id.encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts(rows: Sequence[Sequence[Any]], width: int) -> list[list[str | None]]:
    """Columns in which numbers are texts, too: asyncpg knows arrays of texts alone, and of others it asks
    each connection's server first, which costs more than all else that a connection begins with."""
    return [[None if value is None else str(value) for value in column] for column in columns(rows, width)]


def _dead(fields: Sequence[Any]) -> ClaimedJob:
    id_, name, data, opts, attempts_made, token = fields
    return ClaimedJob(id_, name, data, decode_options(opts), attempts_made, token)
