"""A connection to Redis as a protocol of asyncio: commands out, replies to their futures. It is
made by ``link.py``, which knows where to and what to do when it breaks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import hiredis
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

Command = tuple[str | bytes | int, ...]
_pack: Callable[[Command], bytes] = hiredis.pack_command  # type: ignore[assignment]  # its stub is wrong
_ERRORS: dict[str, Callable[[str], Exception]] = {
    "NOSCRIPT": NoScriptError,
    "LOADING": BusyLoadingError,
    "READONLY": ReadOnlyError,
    "OOM": OutOfMemoryError,
    "NOAUTH": AuthenticationError,
    "WRONGPASS": AuthenticationError,
}


class Wire(asyncio.Protocol):
    """A connection, and the futures of the commands that were sent and not yet answered."""

    def __init__(self, timeout_s: float) -> None:
        self.lost: Exception | None = None
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(encoding="utf-8")
        self._unanswered: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._transport: asyncio.Transport | None = None
        self._closed = self._loop.create_future()
        self._watchdog: asyncio.TimerHandle | None = None

    def send(self, command: Command) -> asyncio.Future[Any]:
        """Write ``command``; the future is for its reply."""
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._transport is None or self.lost is not None:
            future.set_exception(self.lost or RedisConnectionError("not connected"))
            return future
        self._transport.write(_pack(command))
        self._unanswered.append((future, self._loop.time()))
        if self._watchdog is None:
            self._watchdog = self._loop.call_later(self._timeout_s, self._look_for_late_ones)
        return future

    def lose(self, error: Exception) -> None:
        """Give the connection up; what waits on it raises ``error``."""
        if self.lost is None:
            self.lost = error
        if self._transport is not None:
            self._transport.abort()
        if self._watchdog is not None:
            self._watchdog.cancel()
        while self._unanswered:
            future, _ = self._unanswered.popleft()
            if not future.done():
                future.set_exception(self.lost)

    async def close(self) -> None:
        """Give it up and wait until the socket is closed."""
        self.lose(RedisConnectionError("the connection was closed"))
        await self._closed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all that wait."""
        self.lose(RedisConnectionError(f"the connection was lost: {exc or 'closed by the server'}"))
        if not self._closed.done():
            self._closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Hand out the replies that are complete."""
        try:
            self._reader.feed(data)
            # RESP2 has no booleans: False says that there is no complete reply.
            while (reply := self._reader.gets()) is not False:
                self._answer(reply)
        except (hiredis.HiredisError, ValueError) as error:
            self.lose(RedisConnectionError(f"the server's reply can't be read: {error}"))

    def _answer(self, reply: Any) -> None:
        if not self._unanswered:
            self.lose(RedisConnectionError(f"a reply that nobody asked for: {reply!r}"))
            return
        future, _ = self._unanswered.popleft()
        if future.done():  # whoever asked was cancelled
            return
        if isinstance(reply, hiredis.ReplyError):
            future.set_exception(_error_of(str(reply)))
        else:
            future.set_result(reply)

    def _look_for_late_ones(self) -> None:
        self._watchdog = None
        if not self._unanswered:
            return
        remaining_s = self._unanswered[0][1] + self._timeout_s - self._loop.time()
        if remaining_s <= 0:
            self.lose(RedisTimeoutError(f"Redis did not answer within {self._timeout_s} s"))
        else:
            self._watchdog = self._loop.call_later(remaining_s, self._look_for_late_ones)


def _error_of(message: str) -> Exception:
    code, _, rest = message.partition(" ")
    return _ERRORS[code](rest) if code in _ERRORS else ResponseError(message)
