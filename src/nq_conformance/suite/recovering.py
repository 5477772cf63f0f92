"""How tests of faults see that an adapter goes on afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio

from nq_conformance.lab import EventLog, Lab, Queue
from nq_conformance.suite.later import let_fall_due
from nq_conformance.suite.outage import RECONNECT, RECOVER, Outage
from nq_conformance.suite.together import Together

while_others_time_out = Together()
"""Run a test beside the others that wait until an adapter has noticed that nothing comes any more."""
QUICK_LOCKS: dict[str, Any] = {"lock_duration_ms": 1_000, "max_stalled_count": 100}
"""What a lost answer has claimed is recovered soon, however often that happens."""
_PAUSE_S: Final = 0.3
"""Between two jobs that a subscriber may hear of."""


async def stay_away(lab: Lab, outage: Outage) -> None:
    """Leave a server away for longer than clients try again by themselves; files for a moment."""
    if outage.is_server:
        await outage.noticed(2)
        await let_fall_due(lab, 1_200)


async def add_when_back(lab: Lab, queue: Queue, mark: str) -> list[str]:
    """Enqueue by a provider whose backend has just come back: it succeeds before long."""
    ids: list[str] = []
    errors: list[Exception] = []

    async def added() -> bool:
        try:
            ids.append(await queue.add({"n": mark}))
        except Exception as error:
            errors.append(error)
        return bool(ids)

    await lab.eventually(
        added,
        budget=RECONNECT,
        expected="the provider enqueues again after its backend has come back",
        seen=lambda: f"enqueue still raises {errors[-1]!r}",
    )
    return ids


async def all_run(lab: Lab, *, handler_marks: Callable[[], list[Any]], wanted: range) -> None:
    """Each of these jobs has run; how often does not matter."""

    def missing() -> list[int]:
        return [mark for mark in wanted if mark not in handler_marks()]

    await lab.sees(
        lambda: not missing(),
        budget=RECONNECT,
        expected=f"each of {len(wanted)} jobs runs in the end",
        seen=lambda: f"those numbered {missing()[:10]} did not",
    )


async def hears_of_another(
    lab: Lab, log: EventLog, another: Callable[[], Awaitable[str]], expected: str
) -> None:
    """A subscription from before a fault is told of one of the jobs that ``another`` gives, by their ids."""
    ids: list[str] = []

    async def told() -> bool:
        ids.append(await another())
        with anyio.move_on_after(_PAUSE_S):
            await lab.sees(lambda: bool(set(log.job_ids) & set(ids)), expected=expected, seen=str)
        return bool(set(log.job_ids) & set(ids))

    await lab.eventually(
        told,
        budget=RECOVER,
        expected=expected,
        seen=lambda: f"there were {len(ids)} jobs, and it was told of none of them",
        jobs=ids[:1],
    )
