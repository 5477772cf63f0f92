"""One process of a pool: started, asked to stop, killed if it does not."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Self

import anyio
from anyio.abc import Process


class PoolProcess:
    """A running worker process, the leader of a process group of its own.

    Its stdin is a pipe that closes with this process, whatever ends it: by that a member knows
    that it is alone (see ``member.py``).
    """

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str], env: Mapping[str, str] | None) -> Self:
        """Start ``command``; raises ``OSError`` if it can't be started."""
        process = await anyio.open_process(
            command, stdin=subprocess.PIPE, stdout=None, stderr=None, env=env, start_new_session=True
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait until it has ended; its exit code, or the negative number of its signal."""
        return await self._process.wait()

    def ask_to_stop(self) -> None:
        """SIGTERM: it drains and ends."""
        self._signal(signal.SIGTERM)

    async def stop(self, grace_s: float) -> bool:
        """Ask it to stop, kill it and its children if it has not within ``grace_s``, and wait for its
        end; whether it ended by itself."""
        self.ask_to_stop()
        with anyio.move_on_after(grace_s) as patience:
            await self.wait()
        if patience.cancelled_caught:
            self.kill()
            await self.wait()
        return not patience.cancelled_caught

    def kill(self) -> None:
        """SIGKILL to it and to what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Let go of it; if it still runs, kill it and what it has started."""
        if self._process.returncode is None:
            self.kill()
        with anyio.CancelScope(shield=True):
            await self._process.wait()
            await self._process.aclose()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


def told(exit_code: int) -> str:
    """How a process ended, for people: ``exit code 3`` or ``SIGKILL``."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
