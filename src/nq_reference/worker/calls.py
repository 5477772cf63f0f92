"""How a context's calls are made: blocking for plain handlers, awaited for async ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from nq_reference.worker.context import Context, ContextCallError
from nq_reference.worker.link import Link

if TYPE_CHECKING:  # half of a child's start-up; who has a plain handler does not need it
    import asyncio


class JobEndedError(RuntimeError):
    """A context was used after its job had ended."""


class BlockingCalls:
    """The calls of one job's context, made from any thread of a plain handler."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._open = True

    def context(self, fields: Mapping[str, Any]) -> Context:
        """A context whose calls return when they are answered."""
        return Context(fields, self._ask, self._tell)

    def end(self) -> None:
        """Refuse later calls: a child may serve another job next (RPC-14)."""
        self._open = False

    def _ask(self, method: str, params: Mapping[str, Any]) -> Any:
        _require(self._open, method)
        answer: SimpleQueue[Mapping[str, Any]] = SimpleQueue()
        self._link.request(method, params, answer.put)
        return _result(answer.get())

    def _tell(self, method: str, params: Mapping[str, Any]) -> None:
        if self._open:
            tell(self._link, method, params)


class AwaitedCalls:
    """The calls of one job's context, made on the event loop of an async handler."""

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        self._link = link
        self._loop = loop
        self._open = True
        self._unanswered: set[asyncio.Future[Mapping[str, Any]]] = set()

    def context(self, fields: Mapping[str, Any]) -> Context:
        """A context whose calls are awaited."""
        return Context(fields, self._ask, self._tell)

    async def flush(self) -> None:
        """Return once every call that the handler has begun, in whatever task, is answered (RPC-20)."""
        import asyncio  # noqa: PLC0415 - it is loaded where there is a loop

        await asyncio.sleep(0)  # tasks that were only just made send what they have to send
        while self._unanswered:
            await asyncio.wait(self._unanswered)

    def end(self) -> None:
        """Refuse later calls: a child may serve another job next (RPC-14)."""
        self._open = False

    async def _ask(self, method: str, params: Mapping[str, Any]) -> Any:
        _require(self._open, method)
        answered: asyncio.Future[Mapping[str, Any]] = self._loop.create_future()

        def settle(reply: Mapping[str, Any]) -> None:
            if not answered.done():
                answered.set_result(reply)

        self._link.request(method, params, lambda reply: self._soon(settle, reply))
        self._unanswered.add(answered)
        answered.add_done_callback(self._unanswered.discard)
        return _result(await answered)

    def _soon(self, settle: Any, reply: Mapping[str, Any]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(settle, reply)

    async def _tell(self, method: str, params: Mapping[str, Any]) -> None:
        if self._open:
            tell(self._link, method, params)


def tell(link: Link, method: str, params: Mapping[str, Any]) -> None:
    """Notify; what JSON can't hold is shown as text (CTX-04)."""
    try:
        link.notify(method, params)
    except (TypeError, ValueError, RecursionError):
        link.notify(method, json.loads(json.dumps({key: _plain(value) for key, value in params.items()})))


def _plain(value: Any) -> Any:
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text.encode("utf-8", "replace").decode("utf-8")


def _require(still_open: bool, method: str) -> None:
    if not still_open:
        raise JobEndedError(f"{method} was called after its job had ended")


def _result(reply: Mapping[str, Any]) -> Any:
    error = reply.get("error")
    if error is None:
        return reply.get("result")
    if not isinstance(error, dict):
        raise ContextCallError(str(error))
    data = error.get("data")
    raise ContextCallError(str(error.get("message")), str(data.get("type")) if isinstance(data, dict) else "")
