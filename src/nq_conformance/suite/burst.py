"""Many jobs at once, enqueued without a record of each call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import anyio

from nq_conformance.clock import DRAIN
from nq_conformance.contract import JobInput
from nq_conformance.lab import Lab, Queue
from nq_conformance.lab.queue import JOB

AT_ONCE = 500
"""How many calls of enqueue are under way at the same time at most."""


async def enqueue_burst(lab: Lab, queue: Queue, payloads: Sequence[Any]) -> list[str]:
    """Enqueue a job for each payload, ``AT_ONCE`` together; returns the ids in that order."""
    ids: dict[int, str] = {}

    async def add(number: int) -> None:
        ids[number] = await queue.provider.raw.enqueue(queue.name, JobInput(JOB, payloads[number]))

    async def add_from(first: int) -> None:
        async with anyio.create_task_group() as group:
            for number in range(first, min(first + AT_ONCE, len(payloads))):
                group.start_soon(add, number)

    async def add_all() -> None:
        for first in range(0, len(payloads), AT_ONCE):
            what = f"{AT_ONCE} calls of enqueue at once, from job {first + 1} on: all of them"
            await lab.clock.call(partial(add_from, first), what, DRAIN)

    async with lab.meanwhile(add_all):
        lab.history.add("call", "enqueue", queue=queue.name, text=f"{len(payloads)} jobs, not told singly")
    return [ids[number] for number in range(len(payloads))]
