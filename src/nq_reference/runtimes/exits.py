"""Waiting for the end of a process, and telling it in words."""

from __future__ import annotations

import os
import signal
import subprocess

import anyio

_POLL_S = 0.01


class ExitWatch:
    """Knows when a process has ended. On Linux it does not reap it before ``reap``, so that its process
    group keeps its id, and can still be killed without fear of hitting another."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        self._pidfd = _open_pidfd(popen.pid)
        self.ended = anyio.Event()

    @property
    def alive(self) -> bool:
        """Whether it is alive at this very moment, rather than when the event loop last looked."""
        if self.ended.is_set():
            return False
        if self._pidfd is None:
            return self._popen.poll() is None
        return os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    async def run(self) -> None:
        """Return once it has ended; by one task at a time."""
        if self._pidfd is None:
            while self._popen.poll() is None:  # noqa: ASYNC110 - a system without pidfds tells no other way
                await anyio.sleep(_POLL_S)
        else:
            await anyio.wait_readable(self._pidfd)
        self.ended.set()

    def reap(self) -> str:
        """Take notice of its end, which must have come, leave no zombie, and say how it ended."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        return how(self._popen.wait())


def how(code: int) -> str:
    """``exited with code 3``, ``was killed by SIGKILL``."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}"


def _open_pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or an old one
        return None
