"""One connection that all commands share, written for the cost of a call.

redis-py's client takes a connection from a pool for each command, and builds timeouts,
locks and retries around it: more time than all else an enqueue does. Here a command is
written at once, and its reply, which Redis gives in the order of the commands, ends the
future at the head of a queue. What goes wrong is raised as redis-py's exceptions, so that
callers need not know which of the two they use.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from nq_reference.sources.redis.wire import Command, Wire

_PAUSES_S = (0.02, 0.05, 0.2)


@dataclass(frozen=True, slots=True)
class Address:
    """A server reached over plain TCP, and who to be there."""

    host: str = "localhost"
    port: int = 6379
    db: int = 0
    username: str | None = None
    password: str | None = None

    def greeting(self) -> list[Command]:
        """The commands a new connection begins with."""
        commands: list[Command] = []
        if self.password is not None:
            user = () if self.username is None else (self.username,)
            commands.append(("AUTH", *user, self.password))
        if self.db:
            commands.append(("SELECT", self.db))
        return commands


class Link:
    """Runs commands on one server; connects when it must. Belongs to one event loop.

    A command that is not answered within ``timeout_ms`` raises ``redis.exceptions.TimeoutError``,
    and the connection with all that wait on it is given up. A connection that is refused or
    breaks is tried three times more, unless ``retried`` is false; then
    ``redis.exceptions.ConnectionError`` is raised.
    """

    def __init__(self, address: Address, timeout_ms: int, *, retried: bool = True) -> None:
        self._pauses_s = _PAUSES_S if retried else ()
        self._address = address
        self._timeout_s = timeout_ms / 1000
        self._wire: Wire | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    async def execute(self, *command: str | bytes | int) -> Any:
        """The reply to ``command``; text in it is decoded from UTF-8."""
        for pause_s in self._pauses_s:
            try:
                return await self._once(command)
            except RedisConnectionError:
                await asyncio.sleep(pause_s)
        return await self._once(command)

    async def close(self) -> None:
        """Hang up. Idempotent; a later command raises."""
        self._closed = True
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    async def _once(self, command: Command) -> Any:
        wire = self._wire
        if wire is None or wire.lost is not None:
            wire = await self._connected()
        return await wire.send(command)

    async def _connected(self) -> Wire:
        async with self._connecting:
            if self._closed:
                raise RedisConnectionError("this link is closed")
            if self._wire is None or self._wire.lost is not None:
                self._wire = await self._connect()
            return self._wire

    async def _connect(self) -> Wire:
        wire = Wire(self._timeout_s)
        at = self._address
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.get_running_loop().create_connection(lambda: wire, at.host, at.port)
                for command in at.greeting():
                    await wire.send(command)
        except TimeoutError:
            wire.lose(RedisTimeoutError(f"no connection to {at.host}:{at.port} within {self._timeout_s} s"))
        except OSError as error:
            raise RedisConnectionError(f"can't connect to {at.host}:{at.port}: {error}") from None
        except BaseException:
            wire.lose(RedisConnectionError("given up while connecting"))
            raise
        if wire.lost is not None:
            raise wire.lost
        return wire
