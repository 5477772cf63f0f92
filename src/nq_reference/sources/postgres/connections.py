"""The connections: borrowed for one call each, made anew when they break.

Here is all that the source decides about timeouts and retries.

- A call raises ``TimeoutError`` when the server does not answer within ``timeout_ms``; that is not
  tried again: a server that hangs would cost the time anew.
- A connection that is refused or breaks is tried three times more, within about half a second,
  then asyncpg's error or ``OSError`` is raised. Every call bears being made twice: jobs are
  added by id, and an outcome that was accepted is accepted again. Only what a lost answer had
  claimed waits for its lock to end.
- So is a transaction that the server broke off for the sake of others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg

from nq_conformance.contract import ClosedError

T = TypeVar("T")
_PAUSES_S = (0.02, 0.1, 0.4)
_BROKEN = (
    OSError,
    asyncpg.InterfaceError,  # the connection was closed under our hands
    asyncpg.InternalClientError,  # the server's farewell is read, and the connection not closed yet
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
_BROKEN_OFF = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the server. ``statement_cache_size`` 0 keeps no prepared statements."""

    dsn: str = field(repr=False)
    timeout_ms: int
    statement_cache_size: int

    async def connect(self) -> Any:
        """A new connection. Raises asyncpg's errors, OSError, TimeoutError."""
        return await asyncpg.connect(
            self.dsn, timeout=self.timeout_s, statement_cache_size=self.statement_cache_size
        )

    @property
    def timeout_s(self) -> float:
        """How long to wait for a connection, and for an answer."""
        return self.timeout_ms / 1000


class Connections:
    """Up to ``most`` connections of one event loop; a call waits its turn where all are in use."""

    def __init__(self, access: Access, most: int) -> None:
        self._access = access
        self._idle: list[Any] = []
        self._lent: set[Any] = set()
        self._turns = asyncio.Semaphore(most)
        self._returned = asyncio.Event()
        self._closed = False

    async def fetch(self, sql: str, *args: object) -> list[Any]:
        """Run one statement; its rows. Raises as said above, or asyncpg's errors from the statement."""
        if self._access.statement_cache_size:
            timeout_s = self._access.timeout_s
            return await self.use(lambda connection: connection.fetch(sql, *args, timeout=timeout_s))
        return await self.use(lambda connection: self._fetch_in_transaction(connection, sql, args))

    async def use(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Call ``work`` with a connection; again with another if that breaks."""
        failures = 0
        while True:
            try:
                return await self._use_once(work)
            except TimeoutError:
                raise
            except (*_BROKEN, *_BROKEN_OFF):
                if self._closed or failures == len(_PAUSES_S):
                    raise
            await asyncio.sleep(_PAUSES_S[failures])
            failures += 1

    async def close(self) -> None:
        """Let all go. What is under way may end first, within the time of one call. Idempotent."""
        self._closed = True
        try:
            async with asyncio.timeout(self._access.timeout_s):
                while self._lent:
                    self._returned.clear()
                    await self._returned.wait()
                while self._idle:
                    await self._idle.pop().close()
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pass
        for connection in (*self._lent, *self._idle):
            connection.terminate()
        self._idle.clear()

    async def _fetch_in_transaction(self, connection: Any, sql: str, args: tuple[object, ...]) -> list[Any]:
        """For a pooler that may change servers between two transactions, but not within one: a
        statement is prepared and run by two messages."""
        async with asyncio.timeout(self._access.timeout_s), connection.transaction():
            rows: list[Any] = await connection.fetch(sql, *args)
            return rows

    async def _use_once(self, work: Callable[[Any], Awaitable[T]]) -> T:
        await self._turns.acquire()
        connection = None
        sound = False
        try:
            connection = self._take_idle() or await self._access.connect()
            self._lent.add(connection)
            answer = await work(connection)
            sound = True
        except asyncpg.PostgresError:  # of the statement; if of the connection, it is closed by now
            sound = True
            raise
        finally:
            self._turns.release()
            if connection is not None:
                self._give_back(connection, sound=sound)
        return answer

    def _take_idle(self) -> Any:
        if self._closed:
            raise ClosedError("this PostgresSource is closed; make a new one to go on")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def _give_back(self, connection: Any, *, sound: bool) -> None:
        self._lent.discard(connection)
        if connection.is_closed():
            pass
        elif sound and not self._closed:
            self._idle.append(connection)
        else:  # cancelled or timed out: who knows what is still on its way
            connection.terminate()
        self._returned.set()
