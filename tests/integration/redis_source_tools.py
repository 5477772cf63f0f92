"""What the tests of RedisSource share: a real server and an imitation, sources on it, polling.

Loaded by the test modules as a plugin of pytest; every fixture's name says redis. They also
import from it, before pytest could rewrite its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from waiting import within

from nq_conformance.services import start_redis
from nq_reference.sources.redis import RedisSource

BUDGET_S = 10.0
until = within(BUDGET_S)
MakeSource = Callable[..., RedisSource]


@contextmanager
def redis_server(kind: str) -> Iterator[str]:
    """The address of a Redis server, or of fakeredis."""
    real = "local" if shutil.which("redis-server") else "embedded"
    service = start_redis(real if kind == "real" else "fake")
    yield service.info.url
    service.stop()


@asynccontextmanager
async def redis_sources(url: str) -> AsyncIterator[MakeSource]:
    """Makes sources that share a prefix of their own; all are closed at the end."""
    prefix = uuid.uuid4().hex
    made: list[RedisSource] = []

    def make(**options: Any) -> RedisSource:
        made.append(RedisSource(url, **{"prefix": prefix, **options}))
        return made[-1]

    yield make
    for source in made:
        await source.close()


@pytest.fixture(scope="session", params=["real", "fake"])
def redis_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a Redis server for all tests, then of fakeredis for all of them again."""
    with redis_server(request.param) as url:
        yield url


@pytest.fixture
async def make_redis_source(redis_url: str) -> AsyncIterator[MakeSource]:
    """Makes sources that share a prefix of this test's own."""
    async with redis_sources(redis_url) as make:
        yield make


@pytest.fixture
async def redis_source(make_redis_source: MakeSource) -> RedisSource:
    """One open source."""
    source = make_redis_source()
    await source.open()
    return source
