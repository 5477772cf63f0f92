"""Rows as the engine's values, and back. Pure; the order of columns is that of the SQL files."""

from __future__ import annotations

from typing import Any

from nq_reference.codec import decode_options, encode_options
from nq_reference.job_source import ClaimedJob, Schedule, StoredJob
from nq_reference.sources.sqlite.transaction import Row


def stored_job(row: Row) -> StoredJob:
    """A job as ``get`` and ``list`` give it."""
    id, name, data, state, opts, *rest = row
    return StoredJob(id, name, data, state, decode_options(opts), *rest)


def claimed_job(row: Row, token: str) -> ClaimedJob:
    """A job as ``next_in_line`` gives it, behind its number."""
    id, name, data, opts, attempts_made = row
    return ClaimedJob(id, name, data, decode_options(opts), attempts_made, token)


def schedule_of(row: Row) -> Schedule:
    """A series as ``schedules`` gives it."""
    id, name, data, opts, *rest = row
    return Schedule(id, name, data, decode_options(opts), *rest)


def schedule_parameters(series: Schedule) -> dict[str, Any]:
    """A series as ``put_schedule`` takes it."""
    names = ("id", "name", "data", "pattern", "tz", "limit", "next_at", "runs")
    return {**{name: getattr(series, name) for name in names}, "opts": encode_options(series.opts)}
