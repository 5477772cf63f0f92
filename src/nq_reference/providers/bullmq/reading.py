"""Questions about a queue's jobs, each answered in one transaction or script: a job is seen in
one state, and with the fields of that state."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from redis.asyncio import Redis

from nq_conformance.contract import JobCounts, JobState
from nq_reference.job_source import StoredJob
from nq_reference.providers.bullmq import records

_LISTS = frozenset({"active", "wait", "paused"})  # the other states are sorted sets


async def jobs_by_id(client: Redis, queue: Any, ids: Sequence[str]) -> list[StoredJob | None]:
    """The jobs of these ids, in their order; ``None`` for each that is no job's, such as the
    name of a key that BullMQ keeps for the queue itself."""
    async with client.pipeline(transaction=True) as pipe:
        for id_ in ids:
            for place in records.STATES:
                key = queue.toKey(place)
                if place in _LISTS:
                    pipe.lpos(key, id_)
                else:
                    pipe.zscore(key, id_)
            pipe.hgetall(queue.toKey(id_))
        replies = await pipe.execute(raise_on_error=False)
    width = len(records.STATES) + 1
    return [_job(id_, replies[width * n : width * (n + 1)]) for n, id_ in enumerate(ids)]


async def jobs_in(
    queue: Any, states: Collection[JobState], offset: int, limit: int | None
) -> list[StoredJob]:
    """A page of the jobs in ``states``, oldest first.

    Reads all jobs in these states, however short the page: BullMQ keeps no order over several.
    """
    places = [place for place, state in records.STATES.items() if state in states]
    if not places:
        return []
    found = []
    groups = await queue.backend.scripts.getJobs(places, 0, -1, True)
    for place, group in zip(places, groups, strict=True):
        for id_, flat in group:
            fields = dict(zip(flat[::2], flat[1::2], strict=True))
            found.append((records.age_of(id_, fields), records.STATES[place], fields))
    found.sort(key=lambda job: job[0])
    page = found[offset:] if limit is None else found[offset : offset + limit]
    return [records.stored_job(age[-1], state, fields) for age, state, fields in page]


async def counts_of(queue: Any) -> JobCounts:
    """How many jobs are in each state; on a held queue, too, they are ``waiting`` (question 4)."""
    places = list(records.STATES)
    sums: dict[str, int] = {}
    for place, number in zip(places, await queue.backend.getCounts(places), strict=True):
        state = records.STATES[place]
        sums[state] = sums.get(state, 0) + int(number)
    return JobCounts(**sums)


def _job(id: str, replies: Sequence[Any]) -> StoredJob | None:
    *found, fields = replies
    states = [s for s, at in zip(records.STATES.values(), found, strict=True) if at is not None]
    # An id in no state may be the name of a key of another type, whose error means nothing.
    for reply in (*found, fields if states else None):
        if isinstance(reply, Exception):
            raise reply
    return records.stored_job(id, states[0], fields) if states and fields else None
