r"""The journal's records, and their form on disk. Pure.

A record is a JSON array: a verb, the queue's name, and what the verb needs. On disk it is

    0x1E  CRC-32 of the JSON, 8 hex digits  blank  JSON in UTF-8  \n

JSON text holds no control character, so that a reader finds the next record after whatever
damage: each of 0x1E and the line's end is enough to tell where one begins (DUR-04).

Verbs
    journal  prefix, format            the first record of a file
    add      queue, jobs               new jobs, all or none
    move     queue, id, fields         all that moves have changed in a job, as it is from now on
    remove   queue, id
    pause    queue
    resume   queue
    series   queue, fields             a series as it was put
    end      queue, id                 a series ended
    fire     queue, id, next_at, next, job      a series at next_at makes a job and goes on to next
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from zlib import crc32

from nq_conformance.contract import JobState
from nq_reference.codec import decode_options, encode_options
from nq_reference.job_source import Schedule
from nq_reference.sources.memory import JobRecord

FORMAT = 1
Record = list[Any]
Fields = dict[str, Any]

_TOKEN = re.compile(rb"[^\x1e\n]+")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(slots=True, eq=False)
class KeptJob(JobRecord):
    """A job as the journal keeps it: it also knows how often a crash found it active."""

    stalls: int = 0


CHANGING: dict[str, Any] = {
    "place": 0,
    "due": 0,
    "processed_on": None,
    "finished_on": None,
    "attempts_made": 0,
    "return_value": None,
    "failed_reason": None,
    "stalls": 0,
}
"""The fields that moves change, and what a record without them means."""

_BORN = ("id", "name", "data", "opts", "number", "timestamp")
copy_of = attrgetter(*_BORN, "state", *CHANGING)
"""A job's fields as a tuple: the cheapest copy, to be encoded in another thread."""


def frame(record: Record) -> bytes:
    """A record as it stands on disk."""
    body = _encode(record).encode("utf-8", "surrogatepass")
    return b"\x1e%08x %s\n" % (crc32(body), body)


def unframe(content: bytes) -> Iterator[tuple[int, Record | None]]:
    """The offset of each record in a file, and the record, ``None`` for one that is damaged."""
    for token in _TOKEN.finditer(content):
        yield token.start(), _record(token.group())


def moved(queue: str, job: KeptJob, target: JobState) -> Record:
    """The record of a job that is about to be in ``target``."""
    return ["move", queue, job.id, {"state": target, **_changes(job)}]


def added(queue: str, jobs: list[KeptJob]) -> Record:
    """The record of new jobs."""
    return ["add", queue, [job_fields(copy_of(job)) for job in jobs]]


def job_fields(copy: tuple[Any, ...]) -> Fields:
    """What ``copy_of`` took of a job, as its fields; those that say nothing are left out."""
    fields = dict(zip(_BORN, copy, strict=False))
    fields["opts"] = encode_options(fields["opts"])
    fields["state"], *changing = copy[len(_BORN) :]
    for (name, nothing), value in zip(CHANGING.items(), changing, strict=True):
        if value != nothing:
            fields[name] = value
    return fields


def job_of(fields: Fields) -> KeptJob:
    """The job that ``job_fields`` tell of."""
    return KeptJob(**{**fields, "opts": decode_options(fields["opts"])})


def series_fields(series: Schedule) -> Fields:
    """A series as its fields."""
    names = ("id", "name", "data", "pattern", "tz", "limit", "next_at", "runs")
    return {**{name: getattr(series, name) for name in names}, "opts": encode_options(series.opts)}


def series_of(fields: Fields) -> Schedule:
    """The series that ``series_fields`` tell of."""
    return Schedule(**{**fields, "opts": decode_options(fields["opts"])})


def _changes(job: KeptJob) -> Fields:
    return {name: value for name, none in CHANGING.items() if (value := getattr(job, name)) != none}


def _record(token: bytes) -> Record | None:
    body = token[9:]
    if token[8:9] != b" " or token[:8] != b"%08x" % crc32(body):
        return None
    try:
        record = json.loads(body.decode("utf-8", "surrogatepass"))
    except ValueError:
        return None
    return record if isinstance(record, list) and len(record) >= 2 else None
