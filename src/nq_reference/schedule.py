"""When series run: cron patterns read by ``cronsim``, in UTC or in a named zone.

Pure: time comes in as epoch ms and goes out as epoch ms (SCH-07, SCH-08, SCH-12).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from nq_conformance.contract import InvalidScheduleError
from nq_reference.validation import check_int


@dataclass(frozen=True, slots=True)
class Series:
    """A checked wish for repeated runs; ``limit`` is how many, ``None`` for no end."""

    pattern: str
    tz: str | None
    limit: int | None

    def next_after(self, moment_ms: int) -> int | None:
        """The first match strictly after ``moment_ms``, or ``None`` if there is none."""
        return next_run(self.pattern, self.tz, moment_ms)


def series_of(opts: Any) -> Series | None:
    """What ``ScheduleOptions`` say of a series; ``None`` if they ask for a single run.

    Raises ``InvalidScheduleError`` for a limit without a pattern, a delay beside a pattern,
    two different patterns, an unknown zone, a pattern that is malformed or never matches.
    """
    cron, repeat = getattr(opts, "cron", None), getattr(opts, "repeat", None)
    if cron is None and repeat is None:
        return None
    repeated = getattr(repeat, "pattern", None)
    if getattr(opts, "delay", None):
        raise InvalidScheduleError("delay can't be combined with cron or repeat: a series has its own times")
    if cron is not None and repeated is not None and cron != repeated:
        raise InvalidScheduleError(f"cron {cron!r} and repeat.pattern {repeated!r} differ; give one of them")
    pattern = cron if cron is not None else repeated
    if not isinstance(pattern, str) or not pattern.strip():
        raise InvalidScheduleError(f"repeat needs a cron pattern, not {pattern!r}")
    limit = getattr(repeat, "limit", None)
    if limit is not None:
        check_int("repeat.limit", limit, InvalidScheduleError, least=1)
    wanted = Series(" ".join(pattern.split()), getattr(opts, "tz", None), limit)
    if wanted.next_after(0) is None:
        raise InvalidScheduleError(f"the cron pattern {pattern!r} never matches")
    return wanted


def series_id(name: str, pattern: str) -> str:
    """The id of a queue's series: the same for the same job name and pattern (question 15)."""
    return "cron-" + hashlib.sha256(json.dumps([name, pattern]).encode()).hexdigest()[:32]


def next_run(pattern: str, tz: str | None, after_ms: int) -> int | None:
    """The first match of ``pattern`` strictly after ``after_ms``, read in ``tz`` or UTC."""
    zone = _zone(tz)
    begin = datetime.fromtimestamp(after_ms / 1000, tz=zone)
    try:
        found = next(CronSim(pattern, begin), None)
    except CronSimError as error:
        raise InvalidScheduleError(
            f"{pattern!r} is no cron pattern: {error}. It needs five fields (minute hour day month weekday), "
            "or six with seconds first"
        ) from None
    return None if found is None else int(found.timestamp() * 1000)


def _zone(tz: str | None) -> tzinfo:
    if tz is None:
        return UTC
    try:
        return ZoneInfo(tz)
    except (ValueError, OSError, TypeError, LookupError):
        raise InvalidScheduleError(f"tz {tz!r} is no IANA time zone, such as Europe/Vienna") from None
