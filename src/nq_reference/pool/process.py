"""One process of a pool: started, asked to stop, killed if it does not."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

import anyio

from nq_reference.runtimes.exits import ExitWatch


class PoolProcess:
    """A running worker process, the leader of a process group of its own. Made where it is started;
    raises ``OSError`` if it can't be.

    Its stdin is a pipe that closes with this process, whatever ends it: by that a member knows
    that it is alone (see ``cli/member.py``).
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None) -> None:
        self._popen = subprocess.Popen(  # noqa: S603 - the command is the application's
            command, stdin=subprocess.PIPE, env=env, start_new_session=True
        )
        self._exit = ExitWatch(self._popen)
        self.pid = self._popen.pid

    async def wait(self) -> None:
        """Wait until it has ended; in one task at a time."""
        await self._exit.run()

    async def stop(self, grace_s: float) -> bool:
        """SIGTERM, by which it drains and ends; kill it and its children if it has not within ``grace_s``,
        and wait for its end. Whether it ended by itself."""
        if self._exit.alive:
            self._popen.send_signal(signal.SIGTERM)
        with anyio.move_on_after(grace_s) as patience:
            await self.wait()
        if patience.cancelled_caught:
            self._kill()
            await self.wait()
        return not patience.cancelled_caught

    async def close(self) -> str:
        """Kill what is left of it and of what it has started, and let go of it; how it ended, in words."""
        self._kill()
        with anyio.CancelScope(shield=True):
            await self.wait()
        assert self._popen.stdin is not None  # noqa: S101 - asked for above
        with contextlib.suppress(OSError):
            self._popen.stdin.close()
        return self._exit.reap()

    def _kill(self) -> None:
        # Its group keeps its id until it is reaped, so that nobody else is hit.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
