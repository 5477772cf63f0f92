"""A server of a test's own that stops and starts, with real ones of each kind."""

from __future__ import annotations

import contextlib

import asyncpg
import pytest
import redis

from nq_conformance.adapters import Service
from nq_conformance.faults import own_server
from nq_conformance.services.postgres.client import execute, talk
from nq_conformance.violation import Inconclusive

pytestmark = pytest.mark.anyio
BUDGET_S = 10.0
REDIS_KINDS = (
    pytest.param("local", marks=pytest.mark.needs_redis_server),
    "embedded",
    pytest.param("container", marks=pytest.mark.needs_docker),
)
POSTGRES_KINDS = (
    pytest.param("local", marks=pytest.mark.needs_postgres),
    "embedded",
    pytest.param("container", marks=[pytest.mark.needs_docker, pytest.mark.needs_postgres_image]),
)


@pytest.fixture
def anyio_backend() -> str:
    """Servers are waited for in threads."""
    return "asyncio"


@pytest.mark.parametrize("kind", REDIS_KINDS)
async def test_a_redis_is_gone_and_comes_back_with_its_data_and_without_its_scripts(kind: str) -> None:
    """At the same address."""
    async with own_server(Service.REDIS, kind) as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("key", "kept")
            digest = client.script_load("return 1")
        await server.stop()
        with pytest.raises(redis.ConnectionError), redis.Redis.from_url(server.url) as client:
            client.ping()
        await server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("key") == b"kept"
            assert client.script_exists(digest) == [False]
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(server.url) as client:
        client.ping()


@pytest.mark.parametrize("kind", POSTGRES_KINDS)
async def test_a_postgres_is_gone_and_comes_back_with_its_data(kind: str) -> None:
    """At the same address, though somebody is connected when it stops."""
    async with own_server(Service.POSTGRES, kind) as server:
        execute(server.url, "CREATE TABLE kept AS SELECT 7 AS n", budget_s=BUDGET_S)
        idle = await asyncpg.connect(server.url)
        await server.stop()
        with pytest.raises((OSError, asyncpg.PostgresError)):
            execute(server.url, "SELECT 1", budget_s=BUDGET_S)
        await server.start()
        assert talk(server.url, lambda connection: connection.fetchval("SELECT n FROM kept"), BUDGET_S) == 7
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await idle.fetch("SELECT 1")
        idle.terminate()


@pytest.mark.needs_redis_server
async def test_a_server_is_ended_also_where_a_test_fails_while_it_is_stopped() -> None:
    """It can't be ended twice; nothing of it is left."""
    with contextlib.suppress(ZeroDivisionError):
        async with own_server(Service.REDIS, "local") as server:
            await server.stop()
            raise ZeroDivisionError
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(server.url) as client:
        client.ping()


@pytest.mark.parametrize("kind", ["url", "fake", None])
async def test_a_server_that_is_not_the_kits_is_not_available_for_that(kind: str | None) -> None:
    """The reason says what to do, and is no pass."""
    with pytest.raises(Inconclusive, match=r"not available: .*--nq-redis=container, local or embedded"):
        async with own_server(Service.REDIS, kind):
            raise AssertionError
