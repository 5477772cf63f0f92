"""``run_worker``: answer execute requests with a handler, one after another, until the parent is gone."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from nq_reference.worker.calls import AwaitedCalls, BlockingCalls
from nq_reference.worker.defining import DefinedWorker
from nq_reference.worker.link import FAILED, Link
from nq_reference.worker.stdio import Stdio, encode

_CO_COROUTINE = 0x80  # inspect.CO_COROUTINE; importing inspect costs more than all of this file
served = False
"""Whether ``run_worker`` was called in this process."""


def run_worker(handler: Callable[[Any, Any], Any] | DefinedWorker) -> None:
    """Serve ``handler(data, ctx)`` on stdin and stdout; returns when the parent closes stdin.

    From the call on, stdout is stderr and stdin is empty for everybody else. ``SystemExit`` and
    ``KeyboardInterrupt`` pass through, and end the process; whatever else the handler raises is
    told to the parent.
    """
    global served  # noqa: PLW0603 - it is about this process
    served = True
    if isinstance(handler, DefinedWorker):
        handler = handler.handler
    link = Link(Stdio())
    server = _AsyncServer(handler, link) if is_async(handler) else _PlainServer(handler, link)
    while (request := link.executes.get()) is not None:
        link.reply(_reply(server, request))


def is_async(handler: Any) -> bool:
    """Whether calling ``handler`` gives a coroutine, as far as can be seen without calling it."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    handler = getattr(handler, "__wrapped__", handler)
    for function in (handler, vars(type(handler)).get("__call__")):
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        if code is not None and code.co_flags & _CO_COROUTINE:
            return True
    return False


class _PlainServer:
    """Runs a handler that is a plain function; should it return an awaitable, that is awaited."""

    def __init__(self, handler: Callable[[Any, Any], Any], link: Link) -> None:
        self._handler = handler
        self._link = link

    def run(self, data: Any, fields: Mapping[str, Any]) -> Any:
        calls = BlockingCalls(self._link)
        try:
            result = self._handler(data, calls.context(fields))
            return _awaited(result) if hasattr(result, "__await__") else result
        finally:
            calls.end()


class _AsyncServer:
    """Runs an async handler, on one event loop for all jobs of this process."""

    def __init__(self, handler: Callable[[Any, Any], Any], link: Link) -> None:
        import asyncio  # noqa: PLC0415 - a plain handler does not pay for it

        self._handler = handler
        self._link = link
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()  # made now, while no job waits for it

    def run(self, data: Any, fields: Mapping[str, Any]) -> Any:
        return self._runner.run(self._run(data, fields))

    async def _run(self, data: Any, fields: Mapping[str, Any]) -> Any:
        calls = AwaitedCalls(self._link, self._loop)
        try:
            return await self._handler(data, calls.context(fields))
        finally:
            await calls.flush()
            calls.end()


def _awaited(awaitable: Any) -> Any:
    import asyncio  # noqa: PLC0415 - as above

    async def wait() -> Any:
        return await awaitable

    return asyncio.run(wait())


def _reply(server: _PlainServer | _AsyncServer, request: Mapping[str, Any]) -> bytes:
    """The encoded reply: the result, or whatever kept it from being there."""
    head = {"jsonrpc": "2.0", "id": request.get("id")}
    try:
        params = request["params"]
        result = server.run(params["job"]["data"], params["context"])
        return _encoded_exactly(head, result)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        text = json.dumps({**head, "error": _told(error)})  # ASCII: any text can be written so
        return text.encode() + b"\n"


def _encoded_exactly(head: Mapping[str, Any], result: Any) -> bytes:
    """Refuse what would arrive changed, such as a tuple: in process it is refused as well."""
    try:
        line = encode({**head, "result": result})
        exact = json.loads(line)["result"] == result
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"the handler's result can't be sent as JSON: {error}") from None
    if not exact:
        raise TypeError("the handler's result would not come back the same from JSON: tuples, keys not text?")
    return line


def _told(error: BaseException) -> dict[str, Any]:
    import traceback  # noqa: PLC0415 - only failures need it

    try:
        message = str(error)
    except Exception:
        message = ""
    data: dict[str, Any] = {
        "type": type(error).__name__,
        "traceback": "".join(traceback.format_exception(error)),
    }
    if getattr(error, "unrecoverable", False) is True or any(
        kind.__name__ == "UnrecoverableError" for kind in type(error).__mro__
    ):
        data["unrecoverable"] = True
    return {"code": FAILED, "message": message or type(error).__name__, "data": data}
