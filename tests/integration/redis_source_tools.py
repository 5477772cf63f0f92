"""What the tests of RedisSource share: a real server and an imitation, sources on it, polling.

Loaded by the test modules as a plugin of pytest; every fixture's name says redis. They also
import from it, before pytest could rewrite its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest
from waiting import within

from nq_conformance.contract import JobOptions
from nq_conformance.services import start_redis
from nq_reference.job_source import Claim, Exchange, NewJob, Outcome
from nq_reference.sources.redis import RedisSource

BUDGET_S = 10.0
QUEUE = "mail"
LOCK_MS = 30_000
until = within(BUDGET_S)
MakeSource = Callable[..., RedisSource]


@pytest.fixture(scope="session", params=["real", "fake"])
def redis_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a Redis server for all tests, then of fakeredis for all of them again."""
    real = "local" if shutil.which("redis-server") else "embedded"
    service = start_redis(real if request.param == "real" else "fake")
    yield service.info.url
    service.stop()


@pytest.fixture
async def make_redis_source(redis_url: str) -> AsyncIterator[MakeSource]:
    """Makes sources that share a prefix of this test's own; all are closed at its end."""
    prefix = uuid.uuid4().hex
    made: list[RedisSource] = []

    def make(**options: Any) -> RedisSource:
        made.append(RedisSource(redis_url, **{"prefix": prefix, **options}))
        return made[-1]

    yield make
    for source in made:
        await source.close()


@pytest.fixture
async def redis_source(make_redis_source: MakeSource) -> RedisSource:
    """One open source."""
    source = make_redis_source()
    await source.open()
    return source


def job(id: str, *, delay: int = 0, **opts: Any) -> NewJob:
    """A job named as its id, with a payload that cjson would spoil."""
    return NewJob(id, f"name of {id}", '{"list":[],"of":"' + id + '"}', JobOptions(**opts), delay)


def claim(want: int, token: str = "t", lock_ms: int = LOCK_MS, max_stalls: int = 1) -> Claim:
    """A wish for jobs."""
    return Claim(want, token, lock_ms, max_stalls)


async def claimed_ids(source: RedisSource, want: int, *outcomes: Outcome, **options: Any) -> list[str]:
    """The ids of what an exchange claims."""
    return [each.id for each in (await source.exchange(QUEUE, outcomes, claim(want, **options))).claimed]


async def state_of(source: RedisSource, id: str) -> str | None:
    """The state a job is in, or ``None``."""
    found = await source.get(QUEUE, id)
    return None if found is None else found.state


async def exchange_until(
    source: RedisSource, wish: Claim, good: Callable[[Exchange], object], what: str
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
        self._more = asyncio.Event()

    def __call__(self, event: str, id: str | None, detail: str | int | None) -> None:
        self.events.append((event, id, detail))
        self._more.set()

    async def first(self, count: int) -> list[tuple[str, str | None, str | int | None]]:
        """The first ``count`` events, once there are so many."""
        with anyio.move_on_after(BUDGET_S):
            while len(self.events) < count:
                self._more.clear()
                await self._more.wait()
            return self.events[:count]
        pytest.fail(f"{count} events: not within {BUDGET_S} s, only {self.events}")
