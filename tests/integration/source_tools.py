"""What the tests of all job sources share: claims, exchanges that are asked again, a listener.

Imported by tests before pytest could rewrite its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from waiting import within

from nq_conformance.contract import JobOptions
from nq_reference.job_source import Claim, Exchange, JobSource, NewJob, Outcome

BUDGET_S = 20.0
QUEUE = "mail"
LOCK_MS = 30_000
until = within(BUDGET_S)


def claim(want: int, token: str = "t", lock_ms: int = LOCK_MS, max_stalls: int = 1) -> Claim:
    """A wish for jobs."""
    return Claim(want, token, lock_ms, max_stalls)


def job(id: str, *, delay: int = 0, **opts: Any) -> NewJob:
    """A job named as its id, with a payload that jsonb or cjson would spoil."""
    data = '{"z":[],"a":1.0,"of":"' + id + '\\u0000"}'
    return NewJob(id, f"name of {id}", data, JobOptions(**opts), delay)


async def claimed_ids(source: JobSource, want: int, *outcomes: Outcome, **options: Any) -> list[str]:
    """The ids of what an exchange claims."""
    return [each.id for each in (await source.exchange(QUEUE, outcomes, claim(want, **options))).claimed]


async def ended_ids(source: JobSource, count: int, *, keep: int | None, name: str = "old") -> list[str]:
    """The ids of jobs that are added, claimed and then completed in one call, in that order."""
    ids = [f"{name} {n}" for n in range(count)]
    await source.add(QUEUE, [job(each) for each in ids])
    await claimed_ids(source, count)
    await claimed_ids(source, 0, *(Outcome(each, "t", "complete", "1", keep=keep) for each in ids))
    return ids


async def left_of_a_long_history(source: JobSource) -> tuple[list[str], list[list[str]]]:
    """The ids of 2,500 jobs that have ended, and of those that are left after each of three more ends
    that keep two."""
    old = await ended_ids(source, 2_500, keep=None)
    left = []
    for n in range(3):
        await ended_ids(source, 1, keep=2, name=f"new {n}")
        left.append([each.id for each in await source.list(QUEUE, ["completed"], 0, None)])
    return old, left


async def state_of(source: JobSource, id: str) -> str | None:
    """The state a job is in, or ``None``."""
    found = await source.get(QUEUE, id)
    return None if found is None else found.state


async def exchange_until(
    source: JobSource, wish: Claim, good: Callable[[Exchange], object], what: str
) -> Exchange:
    """Exchange until an answer is ``good``."""

    async def ask() -> Exchange | None:
        answer = await source.exchange(QUEUE, [], wish)
        return answer if good(answer) else None

    return await until(ask, what)


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str | None, str | int | None]] = []
        self._more = anyio.Event()

    def __call__(self, event: str, id: str | None, detail: str | int | None) -> None:
        self.events.append((event, id, detail))
        self._more.set()

    async def first(self, count: int) -> list[tuple[str, str | None, str | int | None]]:
        """The first ``count`` events, once there are so many."""
        with anyio.move_on_after(BUDGET_S):
            while len(self.events) < count:
                self._more = anyio.Event()
                await self._more.wait()
            return self.events[:count]
        pytest.fail(f"{count} events: not within {BUDGET_S} s, only {self.events}")


async def spread(source: JobSource) -> None:
    """Ten jobs over all states: 0 to 9 by creation, 0 completed, 1 failed, 2 active, odd ones delayed."""
    await source.add(QUEUE, [job(str(n), delay=3_600_000 if n in (3, 5, 7, 9) else 0) for n in range(10)])
    await claimed_ids(source, 3)
    await claimed_ids(source, 0, Outcome("0", "t", "complete", "1"), Outcome("1", "t", "fail", "no"))


async def wake(source: JobSource, act: Callable[[], object]) -> None:
    """Arm a watch of ``source``, do ``act``, wait for the call."""
    woken = asyncio.Event()
    watch = source.watch(QUEUE, woken.set)
    watch.arm()
    await act()  # type: ignore[misc]
    with anyio.fail_after(BUDGET_S):
        await woken.wait()
    await watch.close()
