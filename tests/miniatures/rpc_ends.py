"""Children that do not end as they should, or not well."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any, ClassVar

import anyio
from anyio.abc import Process

from miniatures.base import Miniature
from miniatures.naive_children import ChildError, Conversation
from miniatures.naive_manager import in_children


@in_children
class NeverReadsStderr(Miniature):
    """The pipe fills, and the child stands still."""

    breaks, tells = "RPC-08", "it is active"

    class conversation_class(Conversation):
        async def read_stderr(self) -> None:
            await anyio.sleep_forever()


@in_children
class DropsStderr(Miniature):
    """It is read, and that is all."""

    breaks, tells = "RPC-21", "log records without it"

    class conversation_class(Conversation):
        async def end(self) -> None:
            self.stderr = b""
            await super().end()


@in_children
class LogsAllOfStderr(Miniature):
    """However much it is."""

    breaks, tells = "RPC-21", "logs of less than"

    class conversation_class(Conversation):
        async def read_stderr(self) -> None:
            assert self.process.stderr is not None
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                async for chunk in self.process.stderr:
                    self.stderr += chunk


@in_children
class WaitsForTheTimeout(Miniature):
    """An exit without a reply is not noticed."""

    breaks, tells = "RPC-09", "it is active"

    class conversation_class(Conversation):
        async def watch(self) -> None:
            self.exit_code = await self.process.wait()


@in_children
class TakesExitCodeZeroForSuccess(Miniature):
    """A child that ends well has done its work."""

    breaks, tells = "RPC-09", "state of a child that exits with code 0"

    class conversation_class(Conversation):
        def outcome(self) -> Any:
            return None if self.reply is None and self.exit_code == 0 else super().outcome()


@in_children
class WaitsForTheEndOfThePipe(Miniature):
    """A child has ended when nobody can write to its stdout any more."""

    breaks, tells = "RPC-09", "it is active"

    class conversation_class(Conversation):
        async def watch(self) -> None:
            await self.stdout_ended.wait()
            self.exit_code = await self.process.wait()
            self.over.set()


@in_children
class SendsTermAndHopes(Miniature):
    """A child that ignores TERM stays."""

    breaks, tells = "RPC-10", "the stubborn child"

    class conversation_class(Conversation):
        async def end(self) -> None:
            if self.reply is None and self.exit_code is None:
                self.kill(signal.SIGTERM)
            else:
                await super().end()


@in_children
class KillsWithoutWarning(Miniature):
    """KILL comes first, and there is no second."""

    breaks, tells = "RPC-10", "that it was sent TERM"

    class conversation_class(Conversation):
        def kill(self, number: signal.Signals) -> None:
            super().kill(signal.SIGKILL)


@in_children
class KillsTheChildAlone(Miniature):
    """What the child has started is not its business."""

    breaks, tells = "RPC-11", "still running: the grandchild"

    class conversation_class(Conversation):
        def kill(self, number: signal.Signals) -> None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)


@in_children
class LeaksAPipe(Miniature):
    """Each attempt opens one that nobody closes."""

    breaks, tells = "RPC-12", "pipes and sockets were open before"

    class conversation_class(Conversation):
        async def start(self) -> Process:
            self.wakeup = os.pipe()
            return await super().start()


@in_children
class OutlivesItsParent(Miniature):
    """The child goes on when its input has ended."""

    breaks, tells = "RPC-13", "still running: the child"

    class conversation_class(Conversation):
        worker_bent = "outlives-its-parent"


@in_children
class IsPoisonedByAScriptThatIsGone(Miniature):
    """A child that could not load its handler takes its queue's worker with it."""

    breaks, tells = "RPC-18", "the worker is broken"

    class conversation_class(Conversation):
        broken: ClassVar[set[tuple[int, str]]] = set()

        async def run(self) -> Any:
            worker = id(self.ctx._bus), self.ctx.queue
            if worker in self.broken:
                raise ChildError("the worker is broken")
            try:
                return await super().run()
            except ChildError:
                if b"Error" in self.stderr or b"can't open file" in self.stderr:
                    self.broken.add(worker)
                raise


@in_children
class HandsOverItsEnvironment(Miniature):
    """A child has all variables that its worker has."""

    breaks, tells = "RPC-25", "variables of the worker in the environment of its child"

    class conversation_class(Conversation):
        def env(self) -> dict[str, str]:
            return {**os.environ, **super().env()}


@in_children
class LetsTheLastReplyCount(Miniature):
    """What a child says later is what it means."""

    breaks, tells = "RPC-19", "a child that replies twice"

    class conversation_class(Conversation):
        async def handle(self, line: bytes) -> None:
            message = self.parse(line)
            if self.reply is not None and message is not None and message.get("id") == self.id:
                self.reply = message
            await super().handle(line)


@in_children
class TakesAnyReply(Miniature):
    """Whatever its id."""

    breaks, tells = "RPC-19", "a child that first answers what was not asked"

    class conversation_class(Conversation):
        def parse(self, line: bytes) -> dict[str, Any] | None:
            message = super().parse(line)
            is_reply = message is not None and "id" in message and "method" not in message
            return {**message, "id": self.id} if message is not None and is_reply else message


@in_children
class DiesOfABrokenPipe(Miniature):
    """Writing to a dead child is an error of its own."""

    breaks, tells = "RPC-22", "names the exit code 3"

    class conversation_class(Conversation):
        async def send(self, message: dict[str, Any]) -> None:
            assert self.process.stdin is not None
            await self.process.stdin.send(self.encode({"jsonrpc": "2.0", **message}))


@in_children
class PutsItsChildBack(Miniature):
    """A child that broke off in a message is kept for the next job, which is to have the rest."""

    breaks, tells = "RPC-24", "the job after a child that has printed half a frame"

    class conversation_class(Conversation):
        kept: ClassVar[dict[tuple[int, str], Process]] = {}

        @property
        def place(self) -> tuple[int, str]:
            return id(self.ctx._bus), self.ctx.queue

        async def start(self) -> Process:
            return self.kept.pop(self.place, None) or await super().start()

        async def end(self) -> None:
            await super().end()
            if self.reply is None and self.rest:
                self.kept[self.place] = self.process
