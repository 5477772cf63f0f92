"""Sessions that a server ends: those of one test, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import asyncpg
import pytest
import redis

from nq_conformance.adapters import Setting
from nq_conformance.faults import sessions_of
from nq_conformance.history import History
from nq_conformance.lab import make_setting
from nq_conformance.services import Databases, start_postgres, start_redis
from nq_conformance.violation import Inconclusive

ENDED = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The kit asks servers in threads."""
    return "asyncio"


@pytest.fixture
def place() -> Setting:
    """A test's setting, without an address."""
    return make_setting("nq_sessions", history=History())


@pytest.fixture
def url() -> Iterator[str]:
    """A Redis."""
    running = start_redis("local")
    yield running.info.url
    running.stop()


@pytest.fixture
def databases() -> Iterator[Databases]:
    """Places on a Postgres."""
    running = start_postgres("local")
    yield Databases(running.info.url)
    running.stop()


@pytest.mark.needs_redis_server
async def test_only_the_sessions_of_one_test_end_on_a_redis(url: str, place: Setting) -> None:
    """New ones are accepted; at the end the server has no user more than before."""
    with redis.Redis.from_url(url, single_connection_client=True) as other:
        others_id = other.client_id()
        async with sessions_of(replace(place, url=url)) as sessions:
            assert sessions.setting.url is not None
            with redis.Redis.from_url(sessions.setting.url) as client:
                before = client.client_id()
                assert await sessions.end() == 1
                assert client.set("key", 1)
                assert client.client_id() != before
        assert other.client_id() == others_id
        assert other.acl_users() == ["default"]


@pytest.mark.needs_redis_server
async def test_where_nobody_has_come_no_session_has_been_ended(url: str, place: Setting) -> None:
    """An adapter that leaves out the user of its address; that is no pass."""
    async with sessions_of(replace(place, url=url)) as sessions:
        with pytest.raises(Inconclusive, match="knows of no session"):
            await sessions.end()


@pytest.mark.needs_redis_server
async def test_a_server_that_does_not_let_the_kit_make_users_is_told_of(url: str, place: Setting) -> None:
    """As one that is given may be."""
    with redis.Redis.from_url(url) as client:
        client.acl_setuser("limited", enabled=True, passwords=["+word"], keys=["*"], commands=["+@read"])
    limited = url.replace("redis://", "redis://limited:word@")
    with pytest.raises(Inconclusive, match="does not let the kit end sessions"):
        async with sessions_of(replace(place, url=limited)):
            raise AssertionError


@pytest.mark.needs_postgres
async def test_only_the_sessions_of_one_test_end_on_a_postgres(databases: Databases, place: Setting) -> None:
    """They are told by their database."""
    dsn, others = databases.new_place("nq_one"), databases.new_place("nq_other")
    mine, other = await asyncpg.connect(dsn), await asyncpg.connect(others)
    async with sessions_of(replace(place, dsn=dsn)) as sessions:
        assert sessions.setting.dsn == dsn
        assert await sessions.end() == 1
        with pytest.raises(ENDED):
            await mine.fetchval("SELECT 1")
        mine.terminate()
        again = await asyncpg.connect(dsn)
        assert await again.fetchval("SELECT 1") == 1
        await again.close()
    assert await other.fetchval("SELECT 1") == 1
    await other.close()


async def test_in_a_schema_the_sessions_of_others_are_spared(place: Setting) -> None:
    """The kit can't tell them apart, and ends none."""
    dsn = "postgresql://127.0.0.1:1/shared?search_path=nq_one"
    async with sessions_of(replace(place, dsn=dsn)) as sessions:
        with pytest.raises(Inconclusive, match="a schema in a database that others use"):
            await sessions.end()
