"""Connections that break: a small TCP proxy between an adapter and its service.

It passes bytes on until it is told otherwise: cut all connections and refuse new ones, as a
service does that restarts; fall silent without closing, as a peer does behind a dead link;
let only the connections of now go dead, as a firewall does that forgets them; hold every byte
back for a while.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import Listener, SocketAttribute, SocketStream, TaskGroup

_CHUNK_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close() sends RST


class Proxy:
    """Listens on a free loopback port and forwards to ``host:port``. Used in an ``async with``."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._tasks: TaskGroup | None = None
        self._listener: Listener[SocketStream] | None = None
        self._streams: set[SocketStream] = set()
        self._refusing = False
        self._silent = False
        self._dead: set[SocketStream] = set()
        self._delay_s = 0.0
        self._changed = anyio.Event()
        self.refused = 0
        """How many connections were refused so far."""

    async def __aenter__(self) -> Self:
        listeners = await anyio.create_tcp_listener(local_host="127.0.0.1")
        self._listener = listeners.listeners[0]
        self._tasks = await anyio.create_task_group().__aenter__()
        self._tasks.start_soon(listeners.serve, self._forward)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._tasks is not None
        assert self._listener is not None
        self._tasks.cancel_scope.cancel()
        try:
            await self._tasks.__aexit__(None, None, None)
        finally:  # also where its own task is cancelled
            with anyio.CancelScope(shield=True):
                await self._listener.aclose()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        assert self._listener is not None
        port: int = self._listener.extra(SocketAttribute.local_port)
        return port

    @property
    def connections(self) -> int:
        """How many connections of the adapter are open."""
        return len(self._streams) // 2

    async def cut(self) -> None:
        """Reset every connection; new ones are still accepted."""
        for stream in tuple(self._streams):
            _reset_on_close(stream)
            await stream.aclose()

    async def go_down(self) -> None:
        """Reset every connection and refuse new ones, until ``heal``."""
        self._refusing = True
        await self.cut()

    def fall_silent(self) -> None:
        """Pass nothing on in either direction, and close nothing, until ``heal``."""
        self._silent = True

    def go_half_open(self) -> None:
        """Pass nothing on over the connections of now, and close none of them, for ever; new ones work."""
        self._dead |= self._streams

    def slow_down(self, delay_ms: int) -> None:
        """Hold back whatever comes for ``delay_ms``, until ``heal``."""
        self._delay_s = delay_ms / 1000

    def heal(self) -> None:
        """Let everything pass again."""
        self._refusing, self._silent, self._delay_s = False, False, 0.0
        self._changed.set()
        self._changed = anyio.Event()

    async def _forward(self, adapter: SocketStream) -> None:
        async with adapter:
            if self._refusing:
                self.refused += 1
                _reset_on_close(adapter)
                return
            try:
                service = await anyio.connect_tcp(*self._target)
            except OSError:
                return
            async with service:
                await self._join(adapter, service)

    async def _join(self, adapter: SocketStream, service: SocketStream) -> None:
        self._streams |= {adapter, service}
        try:
            async with anyio.create_task_group() as both:
                both.start_soon(self._pump, adapter, service, both)
                both.start_soon(self._pump, service, adapter, both)
        finally:
            self._streams -= {adapter, service}
            self._dead -= {adapter, service}

    async def _pump(self, source: SocketStream, sink: SocketStream, both: TaskGroup) -> None:
        """Pass on what comes from one side; when it ends, both directions do."""
        try:
            while True:
                data = await source.receive(_CHUNK_BYTES)
                while self._silent or source in self._dead:
                    await self._changed.wait()
                if self._delay_s:
                    await anyio.sleep(self._delay_s)
                await sink.send(data)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            both.cancel_scope.cancel()


def _reset_on_close(stream: SocketStream) -> None:
    # One that is closed has no socket any more: on asyncio it says so, on uvloop anyio stumbles over it.
    with contextlib.suppress(OSError, AttributeError):
        raw = stream.extra(SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
