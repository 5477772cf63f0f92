"""The proxy between an adapter and its service: it passes, cuts, refuses, falls silent, and heals."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from nq_conformance.clock import REACT, Clock
from nq_conformance.faults import Proxy

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "uvloop", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """The proxy runs in the test's own event loop."""
    if request.param == "trio":
        return "trio", {}
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


@pytest.fixture
async def proxy(anyio_backend: object) -> AsyncIterator[Proxy]:
    """A proxy in front of a service that echoes."""
    del anyio_backend

    async def echo(stream: SocketStream) -> None:
        with contextlib.suppress(anyio.BrokenResourceError):  # a connection that was cut
            async with stream:
                async for data in stream:
                    await stream.send(data)

    listeners = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listeners, anyio.create_task_group() as tasks:
        tasks.start_soon(listeners.serve, echo)
        port = listeners.listeners[0].extra(SocketAttribute.local_port)
        async with Proxy("127.0.0.1", port) as proxy:
            yield proxy
        tasks.cancel_scope.cancel()


async def ask(stream: SocketStream, text: bytes) -> bytes:
    """What comes back for ``text``, within a budget."""
    with anyio.fail_after(Clock().seconds(REACT)):
        await stream.send(text)
        return await stream.receive()


async def test_it_passes_on_what_it_is_given(proxy: Proxy) -> None:
    """In both directions, for several connections."""
    first = await anyio.connect_tcp("127.0.0.1", proxy.port)
    second = await anyio.connect_tcp("127.0.0.1", proxy.port)
    async with first, second:
        assert [await ask(first, b"one"), await ask(second, b"other")] == [b"one", b"other"]
        assert proxy.connections == 2


async def test_a_connection_that_ends_just_then_does_not_keep_it_from_cutting_the_others(
    proxy: Proxy,
) -> None:
    """Its stream is closed, and its end has not been noticed yet."""
    first = await anyio.connect_tcp("127.0.0.1", proxy.port)
    second = await anyio.connect_tcp("127.0.0.1", proxy.port)
    async with first, second:
        await ask(first, b"one")
        closing = tuple(proxy._streams)
        await ask(second, b"other")
        async with anyio.create_task_group() as tasks:
            for stream in closing:
                tasks.start_soon(stream.aclose)
            await proxy.cut()
        for stream in (first, second):
            with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)):
                await ask(stream, b"again")


async def test_a_cut_connection_is_reset_and_a_new_one_works(proxy: Proxy) -> None:
    """As after a killed session."""
    async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
        await ask(stream, b"before")
        await proxy.cut()
        with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)):
            await ask(stream, b"after")
    async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
        assert await ask(stream, b"anew") == b"anew"


async def test_while_it_is_down_nobody_gets_through(proxy: Proxy) -> None:
    """Until it heals."""
    await proxy.go_down()
    with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream, OSError)):
        async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
            await ask(stream, b"down")
    proxy.heal()
    async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
        assert await ask(stream, b"up") == b"up"


async def test_what_was_held_back_in_silence_comes_when_it_heals(proxy: Proxy) -> None:
    """The connection stays open all the while."""
    async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
        await ask(stream, b"before")
        proxy.fall_silent()
        await stream.send(b"held back")
        async with await anyio.connect_tcp("127.0.0.1", proxy.port) as canary:
            await canary.send(b"held back too")
            proxy.heal()
            with anyio.fail_after(Clock().seconds(REACT)):
                assert await stream.receive() == b"held back"
                assert await canary.receive() == b"held back too"


async def test_a_slow_connection_loses_nothing(proxy: Proxy) -> None:
    """Each chunk comes, later."""
    proxy.slow_down(20)
    async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
        assert await ask(stream, b"slow") == b"slow"


async def test_only_the_connections_of_now_go_dead(proxy: Proxy) -> None:
    """They stay open and silent, also after it has healed; a later one works."""
    old = await anyio.connect_tcp("127.0.0.1", proxy.port)
    async with old:
        assert await ask(old, b"before") == b"before"
        proxy.go_half_open()
        proxy.heal()
        new = await anyio.connect_tcp("127.0.0.1", proxy.port)
        async with new:
            await old.send(b"into the void")
            assert await ask(new, b"after") == b"after"
            with anyio.move_on_after(0) as waiting:
                await old.receive()
            assert waiting.cancelled_caught
            assert proxy.connections == 2


async def test_refused_connections_are_counted(proxy: Proxy) -> None:
    """So that a test can tell that an adapter tries again."""
    await proxy.go_down()
    for _ in range(2):
        stream = await anyio.connect_tcp("127.0.0.1", proxy.port)
        async with stream:
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await stream.receive()
    assert proxy.refused == 2
