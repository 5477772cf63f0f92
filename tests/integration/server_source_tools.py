"""What the tests of all sources on a server share: for each test, sources on Postgres, Redis and fakeredis.

Loaded by the test modules as a plugin of pytest. They also import from it, before pytest could rewrite
its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from postgres_source_tools import postgres_sources
from redis_source_tools import redis_server, redis_sources
from servers import postgres_server

from nq_reference.job_source import JobSource

MakeSource = Callable[[], JobSource]


@pytest.fixture(scope="session", params=["postgres", "redis", "fakeredis"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A server's kind and address, for all tests; then the next, for all of them again."""
    if request.param == "postgres":
        with postgres_server() as dsn:
            yield request.param, dsn
        return
    with redis_server("real" if request.param == "redis" else "fake") as url:
        yield request.param, url


@pytest.fixture
async def make_source(server: tuple[str, str]) -> AsyncIterator[MakeSource]:
    """Makes sources that share what they keep, and with no other test."""
    kind, address = server
    async with postgres_sources(address) if kind == "postgres" else redis_sources(address) as make:
        yield make


@pytest.fixture
async def source(make_source: MakeSource) -> JobSource:
    """One open source."""
    made = make_source()
    await made.open()
    return made
