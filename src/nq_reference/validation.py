"""What callers hand in, checked once, before anything is stored (ENQ-16, QRY-06, CON-03).

Objects are read by their attributes, so that an application may bring its own classes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar, cast

from nq_conformance.contract import (
    JOB_STATES,
    RUNTIME_ALIASES,
    Backoff,
    InvalidJobError,
    InvalidQueryError,
    InvalidWorkerError,
    JobOptions,
    JobsQuery,
    JobState,
    QueueError,
    WorkerOptions,
)
from nq_reference.names import check_name

MAX_DELAY_MS = 10**15
"""About 31,000 years: beyond it, points in time are no longer exact in every backend."""
MAX_PRIORITY = 2**31 - 1
MAX_COUNT = 2**63 - 1
"""No queue holds more jobs: a page may begin anywhere before (QRY-06)."""

_E = TypeVar("_E", bound=QueueError)
_DEFAULTS = JobOptions()


def check_int(what: str, value: object, error: type[_E], *, least: int = 0, most: int = MAX_DELAY_MS) -> int:
    """Return ``value`` if it is an int from ``least`` to ``most``; raise ``error`` otherwise."""
    if type(value) is not int:
        raise error(f"{what} must be a whole number, not {value!r}")
    if not least <= value <= most:
        raise error(f"{what} must be from {least} to {most}, not {value}")
    return value


def job_options(opts: Any) -> JobOptions:
    """Checked options from whatever has the attributes of ``JobOptions``, or ``None``."""
    if opts is None or opts is _DEFAULTS:
        return _DEFAULTS
    get = _reader(opts, _DEFAULTS)
    job_id = get("job_id")
    timeout = get("timeout")
    return JobOptions(
        job_id=None if job_id is None else check_name("opts.job_id", job_id),
        attempts=check_int("opts.attempts", get("attempts"), InvalidJobError, most=2**31 - 1),
        backoff=_backoff(get("backoff")),
        delay=check_int("opts.delay", get("delay"), InvalidJobError),
        priority=check_int("opts.priority", get("priority"), InvalidJobError, most=MAX_PRIORITY),
        timeout=None if timeout is None else check_int("opts.timeout", timeout, InvalidJobError, least=1),
        remove_on_complete=_retention("opts.remove_on_complete", get("remove_on_complete")),
        remove_on_fail=_retention("opts.remove_on_fail", get("remove_on_fail")),
    )


def query(asked: Any) -> JobsQuery:
    """A checked query with a tuple of known states, all of them where none is named."""
    if asked is None:
        return JobsQuery(JOB_STATES)
    get = _reader(asked, JobsQuery())
    limit = get("limit")
    return JobsQuery(
        state=_states(get("state")),
        limit=None if limit is None else check_int("query.limit", limit, InvalidQueryError, most=MAX_COUNT),
        offset=check_int("query.offset", get("offset"), InvalidQueryError, most=MAX_COUNT),
    )


def worker_options(opts: Any) -> WorkerOptions:
    """Checked worker options, with the runtime's alias resolved."""
    get = _reader(opts, WorkerOptions())
    runtime = RUNTIME_ALIASES.get(get("runtime"), get("runtime"))
    if runtime not in ("in-process", "python", "node-isolated"):
        raise InvalidWorkerError(f"runtime must be in-process, python or node-isolated, not {runtime!r}")
    if not isinstance(get("autorun"), bool):
        raise InvalidWorkerError(f"autorun must be True or False, not {get('autorun')!r}")
    timeout_ms = get("timeout_ms")
    positive = {
        name: check_int(name, get(name), InvalidWorkerError, least=1)
        for name in ("concurrency", "lock_duration_ms", "drain_delay_ms")
    }
    return WorkerOptions(
        **positive,
        max_stalled_count=check_int("max_stalled_count", get("max_stalled_count"), InvalidWorkerError),
        autorun=get("autorun"),
        prefix=get("prefix"),
        runtime=runtime,
        timeout_ms=None
        if timeout_ms is None
        else check_int("timeout_ms", timeout_ms, InvalidWorkerError, least=1),
    )


class _reader:  # noqa: N801 - used as a function
    """Attributes of ``given``, or of ``defaults`` where it has none."""

    def __init__(self, given: Any, defaults: Any) -> None:
        self._given = given
        self._defaults = defaults

    def __call__(self, name: str) -> Any:
        return getattr(self._given, name, getattr(self._defaults, name))


def _backoff(backoff: Any) -> Backoff | None:
    if backoff is None:
        return None
    kind = getattr(backoff, "type", None)
    if kind not in ("fixed", "exponential"):
        raise InvalidJobError(f"opts.backoff.type must be fixed or exponential, not {kind!r}")
    delay = check_int("opts.backoff.delay", getattr(backoff, "delay", None), InvalidJobError)
    return Backoff(kind, delay)


def _retention(what: str, keep: object) -> bool | int:
    if isinstance(keep, bool):
        return keep
    return check_int(what, keep, InvalidJobError)


def _states(states: Any) -> tuple[JobState, ...]:
    if states is None or states == "":
        return JOB_STATES
    if isinstance(states, str) or not isinstance(states, Collection):
        states = (states,)
    unknown = [s for s in states if s not in JOB_STATES]
    if unknown:
        raise InvalidQueryError(f"query.state has {unknown[0]!r}; the states are {', '.join(JOB_STATES)}")
    return cast("tuple[JobState, ...]", tuple(states)) or JOB_STATES
