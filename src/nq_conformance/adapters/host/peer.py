"""One end of a JSON-RPC 2.0 conversation over lines; both ends are alike.

It knows framing, ids and errors, and nothing of queues.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream

from nq_conformance.adapters.host.failures import (
    BAD_PARAMS,
    UNKNOWN_METHOD,
    error_answer,
    error_of,
    remote_error,
)
from nq_conformance.adapters.host.lines import UnsendableError, decoded, encoded
from nq_conformance.adapters.host.methods import BY_WIRE_NAME, NOTIFICATIONS, Method, wire_name
from nq_conformance.adapters.host.shapes import ShapeError


class ProtocolError(Exception):
    """The other end said something that is no message of the protocol."""


class PeerGoneError(Exception):
    """The other end is gone; nothing that was asked of it will be answered."""


@dataclass(slots=True)
class _Pending:
    method: Method
    done: anyio.Event = field(default_factory=anyio.Event)
    result: Any = None
    error: Exception | None = None


class Peer:
    """Calls the other end and answers it.

    ``send`` writes one line; ``answers`` has a coroutine function for each method that this
    end offers, called with the method's parameters by name. Requests are answered in
    ``tasks``, so that a slow one holds up nobody; but they begin in the order in which they came,
    on trio as well, and what goes out keeps its order. ``on_unsendable`` is told of each value that
    JSON has no form for, so that it did not go out.
    """

    on_unsendable: Callable[[UnsendableError], None] | None = None

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        answers: Mapping[str, Callable[..., Awaitable[Any]]],
        tasks: TaskGroup,
    ) -> None:
        self._answers = answers
        self._tasks = tasks
        self._outbox, lines = anyio.create_memory_object_stream[bytes](math.inf)
        tasks.start_soon(self._send_all, lines, send)
        self._inbox, messages = anyio.create_memory_object_stream[dict[str, Any]](math.inf)
        tasks.start_soon(self._answer_all, messages)
        self._ids = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._gone: Exception | None = None

    async def call(self, method: Method, **params: Any) -> Any:
        """Ask, and return the answer. Raises ``RemoteError`` for an error at the other end,
        ``PeerGoneError`` if it is gone, ``ProtocolError`` for an answer that does not fit,
        ``UnsendableError`` where JSON can't hold a parameter: then nothing was asked."""
        if self._gone is not None:
            raise self._gone
        id, pending = next(self._ids), _Pending(method)
        self._pending[id] = pending
        try:
            self._post(self._line({"id": id, "method": wire_name(method), "params": method.write(**params)}))
            await pending.done.wait()
        finally:
            self._pending.pop(id, None)
        if pending.error is not None:
            raise pending.error
        return pending.result

    def tell(self, method: Method, **params: Any) -> None:
        """Notify, without an answer; that the other end is gone is no error."""
        self._post(self._line({"method": wire_name(method), "params": method.write(**params)}))

    def receive(self, line: bytes) -> None:
        """Take one line from the other end. Raises ``ProtocolError`` for nonsense."""
        message = _parse(line)
        if "method" in message:
            with contextlib.suppress(anyio.BrokenResourceError):  # nobody answers any more
                self._inbox.send_nowait(message)
        else:
            self._take_answer(message)

    def gone(self, error: Exception) -> None:
        """The other end is gone, or talks nonsense: every call that waits raises ``error``."""
        self._gone = self._gone or error
        for pending in self._pending.values():
            pending.error = self._gone
            pending.done.set()

    def _take_answer(self, message: dict[str, Any]) -> None:
        id = message.get("id")
        pending = self._pending.get(id) if isinstance(id, int) else None
        if pending is None or pending.done.is_set():
            raise ProtocolError(f"an answer to a call that was not made: {_shown(message)}")
        if "error" in message:
            pending.error = remote_error(message["error"])
        else:
            try:
                pending.result = pending.method.result.read(message.get("result"))
            except ShapeError as error:
                pending.error = ProtocolError(f"the answer to {wire_name(pending.method)} is not {error}")
        pending.done.set()

    async def _answer_all(self, messages: MemoryObjectReceiveStream[dict[str, Any]]) -> None:
        with messages, self._inbox:
            async for message in messages:
                await self._tasks.start(self._answer, message)

    async def _answer(self, message: dict[str, Any], *, task_status: TaskStatus[None]) -> None:
        task_status.started()  # and goes on without a pause, so that it begins before the next
        line = await self._reply(message)
        if message.get("id") is not None and message["method"] not in NOTIFICATIONS:
            self._post(line)

    async def _reply(self, message: dict[str, Any]) -> bytes:
        """The answer to a request. Whatever was raised, by a handler for one, makes an answer too."""
        id, name = message.get("id"), message["method"]
        method = BY_WIRE_NAME.get(name) if isinstance(name, str) else None
        answer = self._answers.get(method.name) if method else None
        try:
            if method is None or answer is None:
                return self._line({"id": id, **error_answer(UNKNOWN_METHOD, f"no method {name!r}")})
            result = await answer(**method.read(message.get("params", {})))
            return self._line({"id": id, "result": method.result.write(result)})
        except ShapeError as error:
            told = error_answer(BAD_PARAMS, str(error))
        except Exception as error:
            told = error_of(error)
        except (KeyboardInterrupt, GeneratorExit):
            raise  # nobody's answer: who runs the kit, or the event loop, ends it
        except BaseException as error:
            if _is_cancelled(error):
                raise
            told = error_of(error)
        return self._line({"id": id, **told})

    def _line(self, message: Mapping[str, Any]) -> bytes:
        try:
            return encoded({"jsonrpc": "2.0", **message}) + b"\n"
        except UnsendableError as error:
            if self.on_unsendable is not None:
                self.on_unsendable(error)
            raise

    def _post(self, line: bytes) -> None:
        if self._gone is None:
            self._outbox.send_nowait(line)

    async def _send_all(
        self, lines: MemoryObjectReceiveStream[bytes], send: Callable[[bytes], Awaitable[None]]
    ) -> None:
        with lines, self._outbox:
            try:
                async for line in lines:
                    await send(line)
            except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
                self.gone(PeerGoneError(f"the other end is gone: {error!r}"))


def _parse(line: bytes) -> dict[str, Any]:
    try:
        message = decoded(line)
    except ValueError:
        raise ProtocolError(f"a line that is no JSON: {_shown(line.decode(errors='replace'))}") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise ProtocolError(f"a line that is no JSON-RPC 2.0 message: {_shown(message)}")
    return message


def _is_cancelled(error: BaseException) -> bool:
    """Whether this task is to end, rather than that somebody raised the like by himself."""
    cancelled = (anyio.get_cancelled_exc_class(), BaseExceptionGroup)
    return isinstance(error, cancelled) and anyio.current_effective_deadline() == -math.inf


def _shown(value: object, limit: int = 120) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
