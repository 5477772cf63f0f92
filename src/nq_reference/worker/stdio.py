"""The protocol's two file descriptors, taken away from everybody else.

Once they are taken, ``print`` goes to stderr and reading stdin finds its end, in this process and in those
it starts: nothing but frames reaches the parent (RPC-06, RPC-07).
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

_CHUNK_BYTES = 256 * 1024


def encode(message: Mapping[str, Any]) -> bytes:
    """A message as one line. Raises ``TypeError`` or ``ValueError`` for what JSON can't hold."""
    text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


class Stdio:
    """Private duplicates of fd 0 and fd 1; the originals become the null device and stderr."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._input, self._output = os.dup(0), os.dup(1)
        self._lock = threading.Lock()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)

    def send(self, line: bytes) -> None:
        """Write a line whole. A parent that is gone is noticed by ``lines``, not here (RPC-13).

        A newline goes before it, lest it be glued to something that was printed earlier without one.
        """
        rest = memoryview(b"\n" + line)
        try:
            with self._lock:
                while rest:
                    rest = rest[os.write(self._output, rest) :]
        except OSError:
            pass

    def lines(self) -> Iterator[bytes]:
        """Whole lines, as they come; ends with the parent's end of the pipe."""
        buffered = bytearray()
        while chunk := os.read(self._input, _CHUNK_BYTES):
            seen = len(buffered)
            buffered += chunk
            while (end := buffered.find(b"\n", seen)) >= 0:
                yield bytes(buffered[:end])
                del buffered[: end + 1]
                seen = 0
