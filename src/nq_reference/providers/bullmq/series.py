"""Series as BullMQ's Job Schedulers: how one is put, and how they are listed.

Each has one job ahead, its next run. Whichever worker begins that run adds the one after it,
so that a series goes on with Node's workers as well as with ours.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Mapping
from typing import Any

from bullmq.job_scheduler import default_repeat_strategy
from redis.exceptions import WatchError

from nq_conformance.contract import InvalidScheduleError
from nq_reference import codec
from nq_reference.job_source import Schedule
from nq_reference.providers.bullmq.records import options_from, options_to
from nq_reference.schedule import next_run

_DEFAULT_ZONE = "UTC"  # said outright: Node would take the zone of its host


class _MovedOnError(Exception):
    """A run has begun since the series was read: its next one is another, or it has been removed."""


async def put(queue: Any, schedule: Schedule, known: Schedule | None) -> bool:
    """Store a series; False if that one is no longer as it was read. ``known`` is the one that goes on
    under the same id, if there is one: its next run and its count are kept.
    """
    try:
        if known is None:
            await _upsert(queue, schedule, schedule.next_at, 0, None)
        else:
            await _put_on(queue, schedule, known)
    except _MovedOnError:
        return False
    return True


async def _put_on(queue: Any, schedule: Schedule, known: Schedule) -> None:
    try:
        await _upsert(queue, schedule, known.next_at, known.runs, known.next_at)
    except TypeError:
        # BullMQ's word for a run that has begun and has not yet added the one after it.
        following = next_run(schedule.pattern, schedule.tz, max(schedule.next_at - 1, known.next_at))
        if following is not None:
            await _upsert(queue, schedule, following, known.runs + 1, known.next_at)


async def all_of(queue: Any) -> list[Schedule]:
    """All Job Schedulers of a queue, the next to run first."""
    found = await queue.backend.getJobSchedulers(0, -1, True)
    return [_schedule(id_, fields, next_at) for id_, fields, next_at in found if fields]


def run_id(id: str, next_at: int) -> str:
    """The id of the job that a series runs at ``next_at``, in epoch ms."""
    return f"repeat:{id}:{next_at}"


def next_match(after_ms: int, repeat: Mapping[str, Any]) -> int | None:
    """When a series runs next: by our reading of patterns, so that all of our backends agree.

    Patterns that only BullMQ's own library takes are left to it.
    """
    pattern = repeat.get("pattern")
    if not pattern or repeat.get("startDate") or repeat.get("immediately"):
        found: int | None = default_repeat_strategy(after_ms, repeat)
        return found
    try:
        return next_run(str(pattern), repeat.get("tz"), after_ms)
    except InvalidScheduleError:
        return int(default_repeat_strategy(after_ms, repeat))


async def _upsert(queue: Any, schedule: Schedule, next_at: int, runs: int, known_at: int | None) -> None:
    """What ``Queue.upsertJobScheduler`` does, for which a payload of null is an empty object."""
    now_ms = round(time.time() * 1000)
    pattern: dict[str, str | int] = {"pattern": schedule.pattern, "tz": schedule.tz or _DEFAULT_ZONE}
    if schedule.limit is not None:
        pattern["limit"] = schedule.limit
    template = options_to(schedule.opts, 0)
    run = {
        **template,
        "repeat": {**pattern, "count": runs + 1},
        "repeatJobKey": schedule.id,
        "jobId": run_id(schedule.id, next_at),
        "delay": max(0, next_at - now_ms),
        "timestamp": now_ms,
        "prevMillis": next_at,
    }
    await _scripts_if(queue, schedule.id, known_at).addJobScheduler(
        schedule.id, next_at, schedule.data, template, {"name": schedule.name, **pattern}, run
    )


def _scripts_if(queue: Any, id: str, known_at: int | None) -> Any:
    """The queue's scripts, whose ``addJobScheduler`` changes nothing unless the series is where it is
    known to be: a run that has begun and has ended since would be added, and run, once more.
    """
    scripts = copy.copy(queue.backend.scripts)
    script = scripts.commands["addJobScheduler"]

    async def add(keys: list[Any], args: list[Any]) -> Any:
        async with script.registered_client.pipeline() as pipe:
            await pipe.watch(keys[0])
            if await pipe.zscore(keys[0], id) != known_at:
                raise _MovedOnError(id)
            pipe.multi()
            await script(keys=keys, args=args, client=pipe)
            try:
                return (await pipe.execute())[0]
            except WatchError as error:
                raise _MovedOnError(id) from error

    scripts.commands = {**scripts.commands, "addJobScheduler": add}
    return scripts


def _schedule(id: str, fields: Mapping[str, str], next_at: int | None) -> Schedule:
    pattern = fields.get("pattern")
    limit = fields.get("limit")
    return Schedule(
        id=id,
        name=fields.get("name", id),
        data=codec.encode(json.loads(fields.get("data") or "{}")),
        opts=options_from(json.loads(fields.get("opts") or "{}")),
        pattern=pattern or f"every {fields.get('every')} ms",
        tz=fields.get("tz"),
        limit=int(limit) if limit else None,
        next_at=next_at or 0,
        runs=max(0, int(fields.get("ic") or 1) - 1),
    )
