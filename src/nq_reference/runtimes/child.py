"""One child from its start to its end: its process, its conversation, its log."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any

import anyio
from anyio.abc import TaskGroup

from nq_conformance.contract import RunContext
from nq_reference import background
from nq_reference.runtimes.channel import Channel
from nq_reference.runtimes.command import Command
from nq_reference.runtimes.errors import ChildExitedError, ChildProtocolError
from nq_reference.runtimes.framing import Frames, FrameTooLongError
from nq_reference.runtimes.log import ChildLog
from nq_reference.runtimes.options import ChildOptions
from nq_reference.runtimes.process import ChildProcess
from nq_reference.runtimes.warden import Warden

SILENT_S = 1.0
"""How long a child may live on after it has closed its stdout."""


class Child:
    """Started when it is made; raises ``ChildStartError``. ``end`` must be awaited in the end."""

    def __init__(self, command: Command, options: ChildOptions, warden: Warden) -> None:
        self._options = options
        self._process = ChildProcess(command)
        self._warden = warden
        warden.watch(self._process.pid)
        self._log = ChildLog(self._process.pid)
        self._channel = Channel(self._log)
        self._ending = False
        self._scope = anyio.CancelScope()
        self.jobs = 0
        self._life = background.spawn_logged(self._live, f"child process {self._process.pid}")

    @property
    def fit(self) -> bool:
        """Whether a job may be given to it (RPC-18)."""
        return not self._ending and self._process.exit.alive and self._channel.usable

    def begin(self, job: Mapping[str, Any], context: Mapping[str, Any], ctx: RunContext) -> None:
        """Give it ``job``, with the context that its calls are for."""
        self.jobs += 1
        self._channel.begin(job, context, ctx)

    async def outcome(self) -> Any:
        """The result of the job that was begun. Raises ``ChildError``."""
        return await self._channel.outcome()

    async def end(self, *, gently: bool = False) -> None:
        """Return once neither it nor anything it has started is left: TERM, and after the grace period
        KILL. ``gently`` closes its stdin first, and gives it the grace period to end by itself."""
        self._ending = True
        self._channel.hang_up()
        if gently:
            await self._ended_within_grace()
        if not self._process.exit.ended.is_set():
            self._process.signal(signal.SIGTERM)
            await self._ended_within_grace()
        self._scope.cancel()  # nobody waits for what it may still have to say
        await self._life.wait()

    async def _ended_within_grace(self) -> None:
        with anyio.move_on_after(self._options.kill_grace_ms / 1000):
            await self._process.exit.ended.wait()

    # -- its life ------------------------------------------------------------------------

    async def _live(self) -> None:
        try:
            with self._scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._channel.write_to, self._process.stdin)
                    tasks.start_soon(self._read, tasks)
                    await self._process.exit.run()
                    self._process.signal(signal.SIGKILL)  # what it has started (RPC-11)
                    self._process.stdout.finish()
                    self._process.stderr.finish()
        finally:
            with anyio.CancelScope(shield=True):
                await self._bury()

    async def _read(self, tasks: TaskGroup) -> None:
        """Read all there is; after its end nobody is left to be answered either."""
        async with anyio.create_task_group() as readers:
            readers.start_soon(self._read_stdout, tasks)
            readers.start_soon(self._read_stderr)
        await self._process.exit.ended.wait()
        tasks.cancel_scope.cancel()

    async def _bury(self) -> None:
        """Kill what is left, reap it, also if the event loop itself is ending, and say how it ended."""
        exit = self._process.exit
        if not exit.ended.is_set():
            self._process.signal(signal.SIGKILL)
            await exit.run()
        how = exit.reap()
        self._warden.forget(self._process.pid)
        self._process.close()
        self._log.end()
        self._channel.gone(self._obituary(f"the child process {how} before it answered"))

    async def _read_stdout(self, tasks: TaskGroup) -> None:
        frames = Frames(self._options.max_frame_bytes)
        try:
            while chunk := await self._process.stdout.receive():
                for line in frames.feed(chunk):
                    await self._channel.receive(line, tasks)
        except FrameTooLongError as error:
            self._channel.gone(ChildProtocolError(f"the child process wrote {error} (max_frame_bytes)"))
            return
        with anyio.move_on_after(SILENT_S):
            await self._process.exit.ended.wait()
            return
        self._channel.gone(self._obituary("the child process closed its stdout before it answered"))

    async def _read_stderr(self) -> None:
        while chunk := await self._process.stderr.receive():
            self._log.take(chunk)

    def _obituary(self, text: str) -> ChildExitedError:
        tail = self._log.tail
        if not tail:
            return ChildExitedError(text)
        error = ChildExitedError(f"{text}; its last words: {tail.splitlines()[-1].strip()}")
        error.add_note(f"The end of its stderr:\n{tail}")
        return error
