"""Sees to it that no child outlives this process, even if this one is killed (RPC-13).

The end of stdin tells a child that its parent is gone, but not one that is busy, nor what it has started.
So a process beside this one knows all children's groups, and kills them when its own stdin ends.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = Path(__file__).with_name("warden_process.py")


class Warden:
    """One for each manager that has children; its process is started with the first of them."""

    def __init__(self) -> None:
        self._popen: subprocess.Popen[bytes] | None = None
        self._watched: set[int] = set()

    def watch(self, group: int) -> None:
        """Kill process group ``group`` if this process dies. A failure leaves the children to what they
        themselves notice."""
        self._watched.add(group)
        if not self._tell(f"+{group}\n"):
            self._start()

    def forget(self, group: int) -> None:
        """The group is gone."""
        self._watched.discard(group)
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """End the process; no group may be watched any more."""
        if self._popen is not None:
            self._popen.kill()
            self._reap()

    def _start(self) -> None:
        self._reap()
        try:
            # -I -S: it needs nothing but the interpreter, and starts in a few milliseconds
            self._popen = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", "-S", str(_PROGRAM)],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            return
        self._tell("".join(f"+{group}\n" for group in self._watched))

    def _tell(self, text: str) -> bool:
        if self._popen is None or self._popen.stdin is None:
            return False
        try:
            self._popen.stdin.write(text.encode())
        except OSError:
            return False
        return True

    def _reap(self) -> None:
        if self._popen is not None:
            if self._popen.stdin is not None:
                self._popen.stdin.close()
            self._popen.wait()
            self._popen = None
