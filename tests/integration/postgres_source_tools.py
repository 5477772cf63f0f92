"""What the tests of PostgresSource share: a server, a schema for each test, sources on it, polling.

Loaded by the test modules as a plugin of pytest; every fixture's name says postgres. They also
import from it, before pytest could rewrite its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import asyncpg
import pytest
from servers import postgres_server
from waiting import within

from nq_conformance.contract import JobOptions
from nq_reference.job_source import Claim, Exchange, NewJob, Outcome
from nq_reference.sources.postgres import PostgresSource
from nq_reference.sources.postgres.source import PostgresOptions

BUDGET_S = 20.0
QUEUE = "mail"
LOCK_MS = 30_000
until = within(BUDGET_S)
MakeSource = Callable[..., PostgresSource]


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """The address of a Postgres server for all tests: this machine's, or the one that came by pip."""
    with postgres_server() as dsn:
        yield dsn


@pytest.fixture
async def make_postgres_source(postgres_dsn: str) -> AsyncIterator[MakeSource]:
    """Makes sources that share a schema of this test's own, which is there; all are closed at its end."""
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


def job(id: str, *, delay: int = 0, **opts: Any) -> NewJob:
    """A job named as its id, with a payload that jsonb would spoil."""
    return NewJob(id, f"name of {id}", '{"z":[],"a":1.0,"of":"' + id + '\\u0000"}', JobOptions(**opts), delay)


def claim(want: int, token: str = "t", lock_ms: int = LOCK_MS, max_stalls: int = 1) -> Claim:
    """A wish for jobs."""
    return Claim(want, token, lock_ms, max_stalls)


async def claimed_ids(source: PostgresSource, want: int, *outcomes: Outcome, **options: Any) -> list[str]:
    """The ids of what an exchange claims."""
    return [each.id for each in (await source.exchange(QUEUE, outcomes, claim(want, **options))).claimed]


async def state_of(source: PostgresSource, id: str) -> str | None:
    """The state a job is in, or ``None``."""
    found = await source.get(QUEUE, id)
    return None if found is None else found.state


async def exchange_until(
    source: PostgresSource, wish: Claim, good: Callable[[Exchange], object], what: str
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
