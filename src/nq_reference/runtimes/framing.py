"""Lines out of chunks of bytes, wherever those were cut (RPC-04)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


class FrameTooLongError(Exception):
    """A line is longer than the limit."""


class Frames:
    """Puts lines together again. ``limit`` bounds a line, in bytes; its newline is not counted."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that ``chunk`` completes, without their newlines; to be used up.

        Raises ``FrameTooLongError`` once a line is beyond the limit, complete or not.
        """
        start, end = 0, chunk.find(b"\n")
        while end >= 0:
            self._check(end - start)
            if self._rest:
                self._rest += chunk[start:end]
                line = bytes(self._rest)
                self._rest.clear()
            else:
                line = chunk[start:end]
            yield line
            start, end = end + 1, chunk.find(b"\n", end + 1)
        self._check(len(chunk) - start)
        self._rest += chunk[start:]

    def _check(self, more: int) -> None:
        if len(self._rest) + more > self._limit:
            raise FrameTooLongError(f"a line of more than {self._limit} bytes")


def encode(message: Mapping[str, Any]) -> bytes:
    """A message as one line, newline included. Raises ``TypeError`` or ``ValueError`` for what JSON can't
    hold."""
    text = json.dumps(
        {"jsonrpc": "2.0", **message}, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return text.encode() + b"\n"
