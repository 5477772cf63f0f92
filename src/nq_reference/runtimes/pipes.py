"""The parent's ends of a child's pipes, read and written without blocking the event loop.

Not the streams of asyncio: those hold back the end of a process until its pipes are closed, which a
grandchild can put off for ever, and they can't say 'what is in the pipe now, and no more'.
"""

from __future__ import annotations

import os
from typing import IO

import anyio
import anyio.lowlevel

CHUNK_BYTES = 256 * 1024


class ReadPipe:
    """The end that is read; ``file`` is unbuffered and is owned from here on."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._ended = False
        self._waiting: anyio.CancelScope | None = None
        os.set_blocking(file.fileno(), False)

    async def receive(self) -> bytes:
        """The next bytes; none at the end."""
        while True:
            try:
                chunk = os.read(self._file.fileno(), CHUNK_BYTES)
            except BlockingIOError:
                if self._ended:
                    return b""
                await self._wait()
            else:
                await anyio.lowlevel.checkpoint()  # others get their turn, however much there is
                return chunk

    def finish(self) -> None:
        """The writer is dead: what is in the pipe is all there will be, whoever else holds it open."""
        self._ended = True
        if self._waiting is not None:
            self._waiting.cancel()

    def close(self) -> None:
        """Close it; nobody may be receiving."""
        self._file.close()

    async def _wait(self) -> None:
        with anyio.CancelScope() as self._waiting:
            await anyio.wait_readable(self._file.fileno())
        self._waiting = None


class WritePipe:
    """The end that is written; ``file`` is unbuffered and is owned from here on."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        os.set_blocking(file.fileno(), False)

    async def send(self, data: bytes) -> None:
        """Write all of ``data``. Raises ``OSError`` if nobody will read it."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._file.fileno(), rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._file.fileno())

    def close(self) -> None:
        """Close it, which the child sees as the end of its stdin; nobody may be sending."""
        self._file.close()
