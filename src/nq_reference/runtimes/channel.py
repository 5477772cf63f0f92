"""The parent's end of the JSON-RPC conversation with one child (RPC-15, RPC-16, RPC-19).

It knows calls, replies and ids, and nothing of processes. Notifications are dealt with one after another
before anything later is read, so that they arrive in order and before the result; requests are answered
each in a task of its own.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from typing import Any

import anyio
from anyio.abc import TaskGroup, TaskStatus

from nq_conformance.contract import RunContext
from nq_reference import background
from nq_reference.failure import reason_of
from nq_reference.runtimes.answers import answer, failure, handler_error, refusal_of
from nq_reference.runtimes.context_calls import METHODS
from nq_reference.runtimes.errors import ChildError, ChildProtocolError
from nq_reference.runtimes.framing import encode
from nq_reference.runtimes.log import ChildLog
from nq_reference.runtimes.messages import NO_ID, Call, Reply, Unreadable, parse
from nq_reference.runtimes.pipes import WritePipe


class _Execution:
    """A job that the child was given, and what came of it."""

    def __init__(self, id: int, ctx: RunContext) -> None:
        self.id = id
        self.ctx = ctx
        self.done = anyio.Event()
        self.result: Any = None
        self.error: ChildError | None = None


class Channel:
    """One conversation; one job at a time. ``gone`` ends it, and it is not used again."""

    def __init__(self, log: ChildLog) -> None:
        self._log = log
        self._ids = itertools.count(1)
        self._execution: _Execution | None = None
        self._unanswered: set[anyio.Event] = set()
        self._outbox: deque[bytes] = deque()
        self._bell = background.bell()
        self._hung_up = False
        self._gone: ChildError | None = None

    @property
    def usable(self) -> bool:
        """Whether another job may be given to it: nothing is left over from earlier ones."""
        idle = self._execution is None and not self._unanswered
        return idle and self._gone is None and not self._hung_up

    def begin(self, job: Mapping[str, Any], context: Mapping[str, Any], ctx: RunContext) -> None:
        """Give the child ``job``; ``outcome`` says what comes of it."""
        execution = self._execution = _Execution(next(self._ids), ctx)
        params = {"job": job, "context": context}
        self._post(encode({"id": execution.id, "method": "execute", "params": params}))
        if self._gone is not None:
            self.gone(self._gone)

    async def outcome(self) -> Any:
        """The result of the job that was begun. Raises ``ChildError``. Cancelled, it leaves a channel
        that is not usable."""
        execution = self._execution
        assert execution is not None  # noqa: S101 - it was begun
        await execution.done.wait()
        self._execution = None  # replies that come later answer nothing (RPC-19)
        if execution.error is not None:
            raise execution.error
        return execution.result

    async def receive(self, line: bytes, tasks: TaskGroup) -> None:
        """Take a line from the child. Requests are answered in ``tasks``; never raises."""
        message = parse(line)
        if isinstance(message, Call):
            await self._take_call(message, tasks)
        elif isinstance(message, Reply):
            await self._take_reply(message)
        elif isinstance(message, Unreadable):
            self.gone(ChildProtocolError(f"the child sent what can't be read: {message.why}"))
        elif line.strip():
            self._log.line("stdout", line)

    def gone(self, error: ChildError) -> None:
        """The child will answer no more: what it was given fails with ``error``."""
        self._gone = self._gone or error
        if self._execution is not None and not self._execution.done.is_set():
            self._execution.error = self._gone
            self._execution.done.set()

    def hang_up(self) -> None:
        """Close the child's stdin once all is written."""
        self._hung_up = True
        self._bell.ring()

    async def write_to(self, pipe: WritePipe) -> None:
        """Write what is to be written, until ``hang_up``; closes the pipe. A child that does not
        read is no error here: its end will be told (RPC-19)."""
        try:
            while self._outbox or not self._hung_up:
                if self._outbox:
                    await pipe.send(self._outbox.popleft())
                else:
                    self._bell.clear()
                    await self._bell.wait()
        except OSError:
            self._hung_up = True
        finally:
            pipe.close()

    def _post(self, line: bytes) -> None:
        if not self._hung_up:
            self._outbox.append(line)
            self._bell.ring()

    # -- replies -------------------------------------------------------------------------

    async def _take_reply(self, reply: Reply) -> None:
        execution = self._execution
        if execution is None or type(reply.id) is not int or reply.id != execution.id:
            self._log.line("stdout", b"(a reply to nothing that was asked, or a late one)")
            return
        for call in tuple(self._unanswered):  # what was asked before the end is done before it (RPC-20)
            await call.wait()
        if not execution.done.is_set():
            execution.result = reply.result
            execution.error = None if reply.error is None else handler_error(reply.error)
            execution.done.set()

    # -- calls ---------------------------------------------------------------------------

    async def _take_call(self, call: Call, tasks: TaskGroup) -> None:
        ctx = None
        if self._execution is not None and not self._execution.done.is_set():
            ctx = self._execution.ctx
        refusal = refusal_of(call, running=ctx is not None)
        if call.id is NO_ID:
            if refusal is None and ctx is not None:
                await self._notified(call, ctx)
            else:
                self._log.line("stdout", f"(a notification that can't be taken: {refusal})".encode())
        elif refusal is not None or ctx is None:
            self._post(answer(call.id, {"error": refusal}))
        else:
            answered = anyio.Event()
            self._unanswered.add(answered)
            await tasks.start(self._answer, call, ctx, answered)  # calls begin in order, on trio as well

    async def _notified(self, call: Call, ctx: RunContext) -> None:
        try:
            await METHODS[call.method](ctx, call.params)
        except Exception as error:
            self._log.line("stdout", f"({call.method} failed: {reason_of(error)})".encode())

    async def _answer(
        self, call: Call, ctx: RunContext, answered: anyio.Event, *, task_status: TaskStatus[None]
    ) -> None:
        task_status.started()
        try:
            body: dict[str, Any] = {"result": await METHODS[call.method](ctx, call.params)}
        except Exception as error:
            body = {"error": failure(error)}
        finally:
            self._unanswered.discard(answered)
            answered.set()
        self._post(answer(call.id, body))
