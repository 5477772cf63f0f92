"""What the tests of RedisSource share: a real server and an imitation, sources on it, polling.

Loaded by the test modules as a plugin of pytest; every fixture's name says redis. They also
import from it, before pytest could rewrite its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from waiting import within

from nq_conformance.contract import JobOptions
from nq_conformance.services import start_redis
from nq_reference.job_source import NewJob
from nq_reference.sources.redis import RedisSource

BUDGET_S = 10.0
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
