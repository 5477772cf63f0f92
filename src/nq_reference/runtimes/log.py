"""What a child writes that is not for us: logged, within bounds, and its last part kept (RPC-08)."""

from __future__ import annotations

import logging
from collections import deque

logger = logging.getLogger("nq_reference.children")
MAX_LOGGED_BYTES = 64 * 1024
MAX_LINE_CHARS = 2_000
TAIL_BYTES = 4 * 1024


class ChildLog:
    """One child's output. Of each child the first ``MAX_LOGGED_BYTES`` are logged, and the last
    ``TAIL_BYTES``."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._logged = 0
        self._dropped = 0
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._line = bytearray()

    def take(self, chunk: bytes) -> None:
        """Take a piece of stderr, cut anywhere."""
        self._keep(chunk)
        if self._logged >= MAX_LOGGED_BYTES:
            self._dropped += len(chunk)
            return
        *lines, rest = (bytes(self._line) + chunk).split(b"\n")
        for line in lines:
            self.line("stderr", line)
        self._line[:] = rest[:MAX_LINE_CHARS]

    def line(self, stream: str, line: bytes) -> None:
        """Log a line of ``stream``."""
        if self._logged >= MAX_LOGGED_BYTES:
            self._dropped += len(line)
            return
        self._logged += len(line) + 1
        text = line[:MAX_LINE_CHARS].decode(errors="replace").rstrip()
        if text:
            logger.info("child %d, %s: %s", self._pid, stream, text)

    def end(self) -> None:
        """Log what is left, how much was not logged, and the last of it, where errors stand."""
        if self._line:
            self.line("stderr", bytes(self._line))
            self._line.clear()
        if self._dropped:
            logger.info(
                "child %d: %d further bytes of its output; stderr ends with: %s",
                self._pid,
                self._dropped,
                self.tail,
            )

    @property
    def tail(self) -> str:
        """The last part of its stderr."""
        return b"".join(self._tail)[-TAIL_BYTES:].decode(errors="replace").strip()

    def _keep(self, chunk: bytes) -> None:
        self._tail.append(chunk[-TAIL_BYTES:])
        self._tail_bytes += len(self._tail[-1])
        while self._tail_bytes - len(self._tail[0]) >= TAIL_BYTES:
            self._tail_bytes -= len(self._tail.popleft())
