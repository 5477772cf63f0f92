"""What a shared BullMQ queue can't hold, checked before anything is stored.

Each refusal here stands for a job that BullMQ, or a Node application that reads the same
queue, would lose, change or mix up with its own keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nq_conformance.contract import InvalidJobError
from nq_reference.job_source import NewJob

MAX_SAFE_INTEGER = 2**53 - 1
MAX_PRIORITY = 2**21
MAX_OPTION = 10**14 - 1
"""BullMQ's scripts write options with 14 significant digits."""

RESERVED_IDS = frozenset(
    {"active", "wait", "waiting-children", "paused", "completed", "failed", "delayed", "repeat", "stalled"}
    | {"limiter", "prioritized", "priority", "id", "stalled-check", "meta", "metrics", "pc", "events"}
    | {"marker", "de", "dn"}
)
"""A job's key is queue and id: a job of one of these names would be the queue's own key."""

_NUMBER = re.compile(r"[+-]?[0-9]+")
_LONG_NUMBER = re.compile(r"[0-9]{16}")


def check_queue(name: str) -> str:
    """Return ``name`` if BullMQ can have a queue of it; raises ``InvalidJobError``."""
    if ":" in name:
        raise InvalidJobError(f"queue_name must not contain ':', which separates BullMQ's keys: {name!r}")
    return name


def check_job(job: NewJob, data: Any) -> None:
    """Raise ``InvalidJobError`` for a job that can't be on a BullMQ queue; ``data`` is its payload."""
    opts = job.opts
    if opts.job_id is not None:
        _check_id(opts.job_id)
    if opts.priority > MAX_PRIORITY:
        raise InvalidJobError(f"opts.priority must be at most {MAX_PRIORITY} on BullMQ, not {opts.priority}")
    numbers = {
        "delay": job.delay,
        "opts.backoff.delay": opts.backoff.delay if opts.backoff else 0,
        "opts.timeout": opts.timeout or 0,
        "opts.remove_on_complete": opts.remove_on_complete,
        "opts.remove_on_fail": opts.remove_on_fail,
    }
    for what, number in numbers.items():
        if number > MAX_OPTION:
            raise InvalidJobError(
                f"{what} must be at most {MAX_OPTION} on BullMQ, which keeps 14 digits of it, not {number}"
            )
    if _LONG_NUMBER.search(job.data):
        for path, number in _unsafe_integers(data):
            raise InvalidJobError(
                f"{path} is {number}: an integer beyond ±(2**53 - 1) would be rounded by a Node "
                "application that reads this queue. Send it as text"
            )


def _check_id(id: str) -> None:
    if ":" in id:
        problem = "must not contain ':', which separates BullMQ's keys"
    elif _NUMBER.fullmatch(id):
        problem = "must not be a number: BullMQ counts its own job ids that way"
    elif id in RESERVED_IDS:
        problem = "is the name of a key that BullMQ keeps for the queue itself"
    else:
        return
    raise InvalidJobError(f"opts.job_id {problem}: {id!r}. Give it a prefix of letters, say")


def _unsafe_integers(data: Any) -> Iterator[tuple[str, int]]:
    todo = [("data", data)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict):
            todo.extend((f"{path}[{key!r}]", inner) for key, inner in value.items())
        elif isinstance(value, list):
            todo.extend((f"{path}[{index}]", inner) for index, inner in enumerate(value))
        elif isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
            yield path, value
