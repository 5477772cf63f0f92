"""Handlers in child processes, in the fewest lines that keep the rules: what miniatures of RPC bend.

It is not the reference's code, so that what breaks here says nothing of that, and the other way round.
Each method of ``Conversation`` is a place to bend; so is each of ``naive_worker``, by a word on its
command line.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import anyio
from anyio.abc import Process

WORKER = Path(__file__).with_name("naive_worker.py")
GRACE_S = 0.3
logger = logging.getLogger("naive")


class ChildError(Exception):
    """What a child has raised, or how it has ended."""


class Conversation:
    """One attempt, with a child of its own."""

    worker_bent: ClassVar[str] = ""
    process: Process

    def __init__(self, handler: str, runtime: str, processes: list[Process], data: Any, ctx: Any) -> None:
        self.handler, self.runtime, self.data, self.ctx = handler, runtime, data, ctx
        self.processes = processes
        self.id: Any = 1
        self.over = anyio.Event()
        self.reply: dict[str, Any] | None = None
        self.exit_code: int | None = None
        self.stdout_ended = anyio.Event()
        self.rest = b""
        self.stderr = b""
        self.writing = anyio.Lock()
        self.answering = 0
        self.answered = anyio.Event()

    def command(self) -> list[str]:
        """What starts the child."""
        if self.runtime == "node-isolated":
            return ["node", self.handler]
        if self.handler.endswith(".py"):
            return [sys.executable, self.handler]
        return [sys.executable, str(WORKER), self.handler, self.worker_bent]

    async def run(self) -> Any:
        """The whole attempt; returns the result or raises."""
        self.process = await self.start()
        self.processes.append(self.process)
        try:
            async with anyio.create_task_group() as tasks:
                self.tasks = tasks
                tasks.start_soon(self.read_stderr)
                tasks.start_soon(self.read_stdout)
                tasks.start_soon(self.watch)
                tasks.start_soon(self.send, self.request())
                await self.over.wait()
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self.end()
        return self.outcome()

    async def start(self) -> Process:
        """Start the child."""
        pipe = subprocess.PIPE
        return await anyio.open_process(
            self.command(), stdin=pipe, stdout=pipe, stderr=pipe, env=self.env(), start_new_session=True
        )

    def env(self) -> dict[str, str]:
        """What the child gets of our environment."""
        path = os.pathsep.join(p for p in sys.path if p)
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": path}

    def request(self) -> dict[str, Any]:
        """The execute request."""
        ctx = self.ctx
        context = {
            "jobId": ctx.job_id,
            "queue": ctx.queue,
            "flowId": ctx.flow_id,
            "flowName": ctx.flow_name,
            "stepName": ctx.step_name,
            "stepId": ctx.step_id,
            "attempt": ctx.attempt,
        }
        job = {"id": ctx.job_id, "name": ctx.step_name, "data": self.data}
        return {"id": self.id, "method": "execute", "params": {"job": job, "context": context}}

    async def send(self, message: dict[str, Any]) -> None:
        """Write one message; a child that is dead does not read it."""
        assert self.process.stdin is not None
        line = self.encode({"jsonrpc": "2.0", **message})
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async with self.writing:
                await self.process.stdin.send(line)

    def encode(self, message: dict[str, Any]) -> bytes:
        """A message as a line."""
        return json.dumps(message, ensure_ascii=False).encode() + b"\n"

    async def read_stdout(self) -> None:
        """Handle what comes, in order."""
        assert self.process.stdout is not None
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for chunk in self.process.stdout:
                for line in self.lines(chunk):
                    await self.handle(line)
        self.stdout_ended.set()

    def lines(self, chunk: bytes) -> list[bytes]:
        """The lines that are complete with this chunk."""
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        return lines

    async def handle(self, line: bytes) -> None:
        """One line: a reply, a call, or noise."""
        message = self.parse(line)
        if message is None:
            return
        if "method" in message:
            await self.answer(message)
        elif message.get("id") == self.id and self.reply is None:
            self.reply = message
            self.tasks.start_soon(self.finish)

    async def finish(self) -> None:
        """The attempt is over when all calls that came before the reply are through."""
        while self.answering:
            await self.answered.wait()
        self.over.set()

    def parse(self, line: bytes) -> dict[str, Any] | None:
        """The message in a line, if it is one."""
        with suppress(ValueError):
            message = json.loads(line)
            if isinstance(message, dict) and message.get("jsonrpc") == "2.0":
                return message
        return None

    async def answer(self, message: dict[str, Any]) -> None:
        """Do what the child tells, in order, or what it asks, side by side."""
        if "id" in message:
            self.answering += 1
            self.tasks.start_soon(self.answer_request, message)
        else:
            await self.called(message.get("method"), message.get("params"))

    async def answer_request(self, message: dict[str, Any]) -> None:
        """Do what the child asks, and tell what came of it."""
        told = await self.called(message.get("method"), message.get("params"))
        await self.send({"id": message["id"], **told})
        self.answering -= 1
        self.answered.set()
        self.answered = anyio.Event()

    async def called(self, method: Any, params: Any) -> dict[str, Any]:
        """The result or error of a call."""
        call, names = self.methods().get(str(method), (None, ()))
        if call is None:
            return _error(-32601, f"no method {method!r}")
        given = params if isinstance(params, dict) else {}
        if not all(isinstance(given.get(name), str) for name in names):
            return _error(-32602, f"{method} needs {names}")
        try:
            return {"result": await call(given)}
        except Exception as error:
            return _error(-32000, str(error))

    def methods(self) -> dict[str, tuple[Callable[[Any], Awaitable[Any]], tuple[str, ...]]]:
        """Each method, and which of its parameters are texts and needed."""
        ctx = self.ctx
        return {
            "ctx.state.get": (lambda p: ctx.state.get(p["key"]), ("key",)),
            "ctx.state.set": (lambda p: ctx.state.set(p["key"], p.get("value")), ("key",)),
            "ctx.state.delete": (lambda p: ctx.state.delete(p["key"]), ("key",)),
            "ctx.logger.log": (
                lambda p: ctx.logger.log(p["level"], p["message"], p.get("metadata")),
                ("level", "message"),
            ),
            "ctx.flow.emit": (lambda p: ctx.flow.emit(p["trigger"], p.get("payload")), ("trigger",)),
        }

    async def read_stderr(self) -> None:
        """Keep the last of it."""
        assert self.process.stderr is not None
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for chunk in self.process.stderr:
                self.stderr = (self.stderr + chunk)[-10_000:]

    async def watch(self) -> None:
        """An exit ends the attempt, once what is left in the pipe has been read."""
        self.exit_code = await self.process.wait()
        self.kill(signal.SIGKILL)  # what the child has left behind would hold the pipe
        with anyio.move_on_after(1):
            await self.stdout_ended.wait()
        self.over.set()

    def outcome(self) -> Any:
        """The result; raises for an error reply or an end without one."""
        if self.reply is None:
            raise ChildError(f"the child ended without a reply: {self.told_exit()}")
        if "error" in self.reply:
            error = self.reply["error"]
            raise ChildError(self.reason_of(error)) from ChildError(f"{error.get('data')}")
        return self.reply.get("result")

    def reason_of(self, error: Any) -> str:
        """The message of an error reply."""
        return str(error.get("message"))

    def told_exit(self) -> str:
        """The exit in words."""
        assert self.exit_code is not None
        if self.exit_code < 0:
            return f"signal {signal.Signals(-self.exit_code).name}"
        return f"exit code {self.exit_code}"

    async def end(self) -> None:
        """TERM, after a grace KILL, for the child and all that it has started; then close its pipes."""
        if self.stderr:
            logger.info("stderr: %s", self.stderr.decode(errors="replace"))
        if self.exit_code is None:
            assert self.process.stdin is not None
            if self.reply is not None:
                await self.process.stdin.aclose()
            else:
                self.kill(signal.SIGTERM)
            with anyio.move_on_after(GRACE_S):
                await self.process.wait()
        self.kill(signal.SIGKILL)
        await self.process.wait()
        await self.process.aclose()

    def kill(self, number: signal.Signals) -> None:
        """Signal the child's group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}
