"""What the tests of PostgresSource share: a server, a schema for each test, sources on it, polling.

Loaded by the test modules as a plugin of pytest; every fixture's name says postgres. They also
import from it, before pytest could rewrite its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from servers import postgres_server
from waiting import within

from nq_reference.sources.postgres import PostgresSource
from nq_reference.sources.postgres.source import PostgresOptions

BUDGET_S = 20.0
until = within(BUDGET_S)
MakeSource = Callable[..., PostgresSource]


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """The address of a Postgres server for all tests: this machine's, or the one that came by pip."""
    with postgres_server() as dsn:
        yield dsn


@asynccontextmanager
async def postgres_sources(postgres_dsn: str) -> AsyncIterator[MakeSource]:
    """Makes sources that share a schema of their own, which is there; all are closed at the end."""
    schema = f"t{uuid.uuid4().hex}"
    made: list[PostgresSource] = []

    def make(*, schema: str = schema, dsn: str = postgres_dsn, **options: Any) -> PostgresSource:
        made.append(PostgresSource(dsn, schema=schema, options=PostgresOptions(**options)))
        return made[-1]

    await make().open()  # makes the schema, for all of them
    yield make
    for source in made:
        await source.close()
    async with connected(postgres_dsn) as connection:
        await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


@pytest.fixture
async def make_postgres_source(postgres_dsn: str) -> AsyncIterator[MakeSource]:
    """Makes sources that share a schema of this test's own."""
    async with postgres_sources(postgres_dsn) as make:
        yield make


@pytest.fixture
async def postgres_source(make_postgres_source: MakeSource) -> PostgresSource:
    """One open source."""
    source = make_postgres_source()
    await source.open()
    return source


class connected:  # noqa: N801 - used as a function
    """A connection of the test's own."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def __aenter__(self) -> Any:
        self._connection = await asyncpg.connect(self._dsn)
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


async def kill_others(connection: Any, query: str = "%") -> int:
    """End all other connections whose last statement is like ``query``; how many there were."""
    killed = await connection.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND backend_type = 'client backend' AND query LIKE $1",
        query,
    )
    return len(killed)
