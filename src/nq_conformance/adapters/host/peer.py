"""One end of a JSON-RPC 2.0 conversation over lines; both ends are alike.

It knows framing, ids and errors, and nothing of queues.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream

from nq_conformance.adapters.host.methods import BY_WIRE_NAME, NOTIFICATIONS, Method, wire_name
from nq_conformance.adapters.host.shapes import ShapeError

INVALID_REQUEST, UNKNOWN_METHOD, BAD_PARAMS, FAILED = -32600, -32601, -32602, -32000
MAX_LINE_BYTES = 64 * 1024 * 1024


class ProtocolError(Exception):
    """The other end said something that is no message of the protocol."""


class PeerGoneError(Exception):
    """The other end is gone; nothing that was asked of it will be answered."""


class RemoteError(Exception):
    """What a call raised at the other end. ``kind`` is the name of its type there."""

    kind = "Exception"
    trace = ""
    unrecoverable = False


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
    on trio as well, and what goes out keeps its order.
    """

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
        ``PeerGoneError`` if it is gone, ``ProtocolError`` for an answer that does not fit."""
        if self._gone is not None:
            raise self._gone
        id, pending = next(self._ids), _Pending(method)
        self._pending[id] = pending
        try:
            self._post({"id": id, "method": wire_name(method), "params": method.write(**params)})
            await pending.done.wait()
        finally:
            self._pending.pop(id, None)
        if pending.error is not None:
            raise pending.error
        return pending.result

    def tell(self, method: Method, **params: Any) -> None:
        """Notify, without an answer; that the other end is gone is no error."""
        self._post({"method": wire_name(method), "params": method.write(**params)})

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
        pending = self._pending.get(message.get("id", 0))
        if pending is None or pending.done.is_set():
            raise ProtocolError(f"an answer to a call that was not made: {_shown(message)}")
        if "error" in message:
            pending.error = _remote_error(message["error"])
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
        id, name = message.get("id"), message["method"]
        method = BY_WIRE_NAME.get(name)
        answer = self._answers.get(method.name) if method else None
        try:
            if method is None or answer is None:
                reply = _error(UNKNOWN_METHOD, f"no method {name!r}")
            else:
                result = await answer(**method.read(message.get("params", {})))
                reply = {"result": method.result.write(result)}
        except ShapeError as error:
            reply = _error(BAD_PARAMS, str(error))
        except Exception as error:
            reply = _error_of(error)
        if id is not None and name not in NOTIFICATIONS:
            self._post({"id": id, **reply})

    def _post(self, message: Mapping[str, Any]) -> None:
        line = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False, separators=(",", ":"))
        if self._gone is None:
            self._outbox.send_nowait(line.encode() + b"\n")

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
        message = json.loads(line)
    except ValueError:
        raise ProtocolError(f"a line that is no JSON: {_shown(line.decode(errors='replace'))}") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise ProtocolError(f"a line that is no JSON-RPC 2.0 message: {_shown(message)}")
    return message


def _error(code: int, text: str, **data: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": text, **({"data": data} if data else {})}}


def _error_of(error: Exception) -> dict[str, Any]:
    return _error(
        FAILED,
        _unicode(str(error)) or type(error).__name__,
        type=getattr(error, "kind", type(error).__name__),
        trace=_unicode("".join(traceback.format_exception(error))),
        unrecoverable=getattr(error, "unrecoverable", False) is True,
    )


def _unicode(text: str) -> str:
    """``text`` as it can cross: a surrogate without its other half, which UTF-8 does not have, is a ?."""
    return text.encode(errors="replace").decode()


def _remote_error(given: Any) -> RemoteError:
    """An exception whose class has the name of the one at the other end: rules go by names."""
    told = given if isinstance(given, dict) else {"message": str(given)}
    data = told.get("data") if isinstance(told.get("data"), dict) else {}
    assert isinstance(data, dict)  # noqa: S101 - for the type checker
    kind = str(data.get("type", "RemoteError"))
    error: RemoteError = type(kind, (RemoteError,), {})(str(told.get("message", "")))
    error.kind = kind
    error.trace, error.unrecoverable = str(data.get("trace", "")), data.get("unrecoverable") is True
    return error


def _shown(value: object, limit: int = 120) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
