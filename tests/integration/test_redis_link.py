"""Link: many commands on one connection, and what becomes of them when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Self

import anyio
import pytest
from redis.exceptions import AuthenticationError, NoScriptError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from nq_reference.sources.redis.connections import lean_link
from nq_reference.sources.redis.link import Address, Link

pytest_plugins = ["redis_source_tools"]
pytestmark = pytest.mark.anyio
BUDGET_S = 10.0
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> str:
    """A link runs on asyncio alone."""
    return "asyncio"


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[Link]:
    """A link to a real server."""
    made = lean_link(redis_url, 5_000)
    assert made is not None
    yield made
    await made.close()


class Server:
    """A server of our own, which talks to each connection as it is told to."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await self._talk(reader, writer)
        writer.close()


async def test_each_command_gets_its_own_reply(link: Link) -> None:
    """A hundred commands at once are answered with what each of them asked for."""
    replies = await asyncio.gather(*(link.execute("ECHO", f"n{n}") for n in range(100)))
    assert replies == [f"n{n}" for n in range(100)]


async def test_a_cancelled_command_does_not_shift_the_replies_of_others(link: Link) -> None:
    """The reply to a command whose caller is gone is passed over."""
    await link.execute("PING")
    gone = asyncio.create_task(link.execute("ECHO", "gone"))
    await asyncio.sleep(0)
    kept = asyncio.create_task(link.execute("ECHO", "kept"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await kept == "kept"


async def test_errors_are_those_of_redis_py(link: Link) -> None:
    """An unknown script has an error of its own, others are response errors; the link goes on."""
    with pytest.raises(NoScriptError):
        await link.execute("EVALSHA", "0" * 40, 0)
    with pytest.raises(ResponseError, match="unknown command"):
        await link.execute("NO-SUCH-COMMAND")
    assert await link.execute("ECHO", "still there") == "still there"


async def test_the_database_of_the_url_is_selected(redis_url: str) -> None:
    """What is written to database 1 is not in database 0."""
    first, second = Link(_address(redis_url, 0), 5_000), Link(_address(redis_url, 1), 5_000)
    await second.execute("SET", "in-one", "1", "PX", 60_000)
    assert await first.execute("EXISTS", "in-one") == 0
    assert await second.execute("EXISTS", "in-one") == 1
    await first.close()
    await second.close()


async def test_a_wrong_password_is_told() -> None:
    """The server's refusal reaches the caller."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"secret\r\n")
        writer.write(b"-WRONGPASS invalid username-password pair\r\n")
        await writer.drain()

    async with Server(refuse) as server:
        link = Link(Address("127.0.0.1", server.port, password="secret"), 5_000, retried=False)
        with pytest.raises(AuthenticationError):
            await link.execute("PING")


async def test_a_silent_server_is_a_timeout() -> None:
    """All commands that wait raise within the timeout, and are not tried again."""

    async def say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with Server(say_nothing) as server:
        link = Link(Address("127.0.0.1", server.port), 50)
        with anyio.fail_after(BUDGET_S):
            calls = (link.execute("PING"), link.execute("PING"))
            errors = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(error) for error in errors] == [RedisTimeoutError, RedisTimeoutError]
        assert server.connections == 1
        await link.close()


async def test_a_connection_that_breaks_is_made_anew() -> None:
    """A server that hangs up on the first connection answers on the second."""

    async def hang_up_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"PING\r\n")
        if server.connections > 1:
            writer.write(b"+PONG\r\n")
            await writer.drain()

    async with Server(hang_up_once) as server:
        link = Link(Address("127.0.0.1", server.port), 5_000)
        with anyio.fail_after(BUDGET_S):
            assert await link.execute("PING") == "PONG"
        assert server.connections == 2
        await link.close()


async def test_a_link_without_retries_tells_the_first_break() -> None:
    """A blocking call must not be repeated behind its caller's back."""

    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"PING\r\n")

    async with Server(hang_up) as server:
        link = Link(Address("127.0.0.1", server.port), 5_000, retried=False)
        with anyio.fail_after(BUDGET_S), pytest.raises(RedisConnectionError):
            await link.execute("PING")
        assert server.connections == 1


async def test_a_closed_link_does_not_connect_again(redis_url: str) -> None:
    """Closing is idempotent and final."""
    link = lean_link(redis_url, 5_000, retried=False)
    assert link is not None
    await link.execute("PING")
    await link.close()
    await link.close()
    with pytest.raises(RedisConnectionError, match="closed"):
        await link.execute("PING")


@pytest.mark.parametrize("url", ["rediss://h:1/0", "unix:///tmp/redis.sock", "redis://h:1/0?client_name=x"])
async def test_what_a_link_can_not_do_is_left_to_the_client(url: str) -> None:
    """TLS, Unix sockets and options of redis-py's client give no link."""
    assert lean_link(url, 5_000) is None


def _address(redis_url: str, db: int) -> Address:
    host, port = redis_url.removeprefix("redis://").split("/")[0].split(":")
    return Address(host, int(port), db)
