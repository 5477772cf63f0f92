"""One place in a pool, and whichever process has it now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import anyio

from nq_reference.pool.events import PoolEvent, PoolEventType
from nq_reference.pool.process import PoolProcess
from nq_reference.pool.restarts import RestartPolicy


class Seat:
    """Keeps one process running until it is told to leave."""

    def __init__(
        self,
        number: int,
        command: Sequence[str],
        env: Mapping[str, str] | None,
        restarts: RestartPolicy,
        grace_s: float,
        tell: Callable[[PoolEvent], None],
    ) -> None:
        self.number = number
        self.pid: int | None = None
        self._command = command
        self._env = env
        self._restarts = restarts
        self._grace_s = grace_s
        self._tell = tell
        self._leaving = anyio.Event()

    def leave(self) -> None:
        """Have the process drained and ended, and ``run`` return. Idempotent, does not wait."""
        self._leaving.set()

    async def run(self) -> None:
        """Start the process, and again whenever it ends, until ``leave``. When cancelled, kill it."""
        crashes = 0
        while not self._leaving.is_set():
            began = anyio.current_time()
            end = await self._one_process()
            if end is None:
                return
            healthy = (anyio.current_time() - began) * 1000 >= self._restarts.healthy_ms
            crashes = 1 if healthy else crashes + 1
            delay_ms = self._restarts.delay_ms(crashes)
            self._say("worker.crashed", exit=end, restart_in_ms=delay_ms)
            self.pid = None
            with anyio.move_on_after(delay_ms / 1000):
                await self._leaving.wait()

    async def _one_process(self) -> str | None:
        """How it ended if it did by itself, ``None`` after ``leave``."""
        try:
            process = PoolProcess(self._command, self._env)
        except OSError as error:
            return f"was not started: {error}"
        self.pid = process.pid
        try:
            self._say("worker.started")
            crashed = await self._ends_before_it_leaves(process)
            if not crashed:
                by_itself = await process.stop(self._grace_s)
                self._say("worker.stopped" if by_itself else "worker.killed")
                self.pid = None
        finally:
            end = await process.close()
        return end if crashed else None

    async def _ends_before_it_leaves(self, process: PoolProcess) -> bool:
        async with anyio.create_task_group() as either:
            ended = anyio.Event()

            async def note_the_end() -> None:
                await process.wait()
                ended.set()
                either.cancel_scope.cancel()

            either.start_soon(note_the_end)
            await self._leaving.wait()
            either.cancel_scope.cancel()
        return ended.is_set()

    def _say(self, kind: PoolEventType, **data: object) -> None:
        self._tell(PoolEvent(kind, self.number, self.pid, data))
