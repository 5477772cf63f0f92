"""A child that calls a Python function, in the fewest lines that keep the rules; a second argument
names what it does wrong."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import os
import sys
import threading
import traceback
from types import SimpleNamespace
from typing import Any


class Worker:
    """Reads in a thread, calls the function on asyncio."""

    def __init__(self, handler: str, bent: str) -> None:
        self.handler, self.bent = handler, bent
        self.out = 1 if bent == "shares-stdout" else os.dup(1)
        if bent != "shares-stdout":
            os.dup2(2, 1)
        self.ids = itertools.count(1)
        self.pending: dict[Any, asyncio.Future[Any]] = {}
        self.waiting: list[asyncio.Future[Any]] = []

    async def serve(self) -> None:
        """Until the input ends."""
        loop = asyncio.get_running_loop()
        inbox: asyncio.Queue[Any] = asyncio.Queue()
        threading.Thread(target=self.read, args=(loop, inbox), daemon=True).start()
        while True:
            request = await inbox.get()
            await self.execute(request)

    def read(self, loop: asyncio.AbstractEventLoop, inbox: asyncio.Queue[Any]) -> None:
        """In a thread, so that the end of the input is noticed whatever the function does."""
        for line in sys.stdin.buffer:
            message = json.loads(line)
            take = inbox.put_nowait if "method" in message else self.take
            loop.call_soon_threadsafe(take, message)
        if self.bent != "outlives-its-parent":
            os._exit(0)

    def take(self, message: Any) -> None:
        """An answer."""
        if self.bent == "first-in-first-out":
            future = self.waiting.pop(0)
        else:
            future = self.pending.pop(message["id"])
            self.waiting.remove(future)
        if "error" not in message:
            future.set_result(message.get("result"))
        elif self.bent != "hangs-on-errors":
            future.set_exception(RuntimeError(message["error"]["message"]))

    async def execute(self, request: Any) -> None:
        """Call the function, and reply."""
        try:
            module, _, name = self.handler.partition(":")
            function = getattr(importlib.import_module(module), name)
            result = await function(request["params"]["job"]["data"], self.context(request))
            reply = {"id": request["id"], "result": result}
            if self.bent == "dies-of-its-result":
                line = self.encoded(reply)
            else:
                try:
                    line = self.encoded(reply)
                except (TypeError, ValueError) as error:
                    raise TypeError(f"the result is not JSON: {error}") from None
        except Exception as error:
            if self.bent == "dies-of-its-result" and isinstance(error, TypeError | ValueError):
                os._exit(1)
            data = {"type": type(error).__name__, "traceback": traceback.format_exc()}
            line = self.encoded(
                {"id": request["id"], "error": {"code": -32000, "message": str(error), "data": data}}
            )
        self.write(line)

    def context(self, request: Any) -> Any:
        """The context of the contract."""
        told = request["params"]["context"]
        context = SimpleNamespace(
            job_id=told["jobId"],
            queue=told["queue"],
            flow_id=told["flowId"],
            flow_name=told["flowName"],
            step_name=told["stepName"],
            step_id=told["stepId"],
            attempt=told["attempt"],
        )
        ask = self.ask
        context.state = SimpleNamespace(
            get=lambda key: ask("ctx.state.get", key=key),
            set=lambda key, value: ask("ctx.state.set", key=key, value=value),
            delete=lambda key: ask("ctx.state.delete", key=key),
        )
        context.logger = SimpleNamespace(
            log=lambda level, message, metadata=None: ask(
                "ctx.logger.log", level=level, message=message, metadata=metadata
            )
        )
        context.flow = SimpleNamespace(
            emit=lambda trigger, payload=None: ask("ctx.flow.emit", trigger=trigger, payload=payload)
        )
        return context

    async def ask(self, method: str, **params: Any) -> Any:
        """Call the parent."""
        id = next(self.ids)
        future = self.pending[id] = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        self.write(self.encoded({"id": id, "method": method, "params": params}))
        return await future

    def encoded(self, message: Any) -> bytes:
        return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"

    def write(self, line: bytes) -> None:
        sys.stdout.flush()
        view = memoryview(line)
        while view:
            view = view[os.write(self.out, view) :]


if __name__ == "__main__":
    asyncio.run(Worker(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "").serve())
