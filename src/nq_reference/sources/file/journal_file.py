"""The journal on disk: blocking calls, made by one thread at a time. Knows nothing of jobs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

_sync = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter
_CHUNK = 1 << 20


class JournalFile:
    """An append-only file that can be replaced by a shorter one, whole or not at all.

    After an append that failed the file is cut back to where it ended. ``doubtful`` is set
    when that could not be done, or when a sync failed: what the disk holds is then unknown,
    and only ``replace`` helps.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.doubtful = False
        self._fd = -1

    def open(self) -> bytes:
        """Open or create the file, and return what it holds. Raises ``OSError``."""
        self._spare.unlink(missing_ok=True)  # a crash may have left it
        content = self.path.read_bytes() if self.path.exists() else b""
        self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self.size = len(content)
        if not content:
            self._sync_directory()
        return content

    def append(self, data: bytes) -> None:
        """Write ``data`` at the end, not yet synced. Raises ``OSError``; then nothing of it is there."""
        try:
            _write(self._fd, data)
        except OSError:
            self.cut()
            raise
        self.size += len(data)

    def sync(self) -> None:
        """Return when all that was appended is on the disk. Raises ``OSError``."""
        try:
            _sync(self._fd)
        except OSError:
            self.doubtful = True  # what is asked twice may be told a lie: the kernel forgets what failed
            raise

    def cut(self, size: int | None = None) -> None:
        """Shorten the file to ``size``, by default to what ``append`` made of it."""
        self.size = self.size if size is None else size
        try:
            os.ftruncate(self._fd, self.size)
        except OSError:
            self.doubtful = True

    def replace(self, frames: Iterable[bytes]) -> None:
        """Put another content in the place of this one, synced. Raises ``OSError``, and then nothing changed.

        A crash at any moment leaves either of the two, complete.
        """
        fd = os.open(self._spare, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            size = sum(_write(fd, chunk) for chunk in _chunks(frames))
            _sync(fd)
            self._spare.replace(self.path)
        except BaseException:
            os.close(fd)
            with contextlib.suppress(OSError):
                self._spare.unlink(missing_ok=True)
            raise
        os.close(self._fd)
        self._fd, self.size, self.doubtful = fd, size, True
        self._sync_directory()  # until then the old name may come back
        self.doubtful = False

    def close(self) -> None:
        """Close it. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def _spare(self) -> Path:
        return self.path.with_name(self.path.name + ".new")

    def _sync_directory(self) -> None:
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _write(fd: int, data: bytes) -> int:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
    return len(data)


def _chunks(frames: Iterable[bytes]) -> Iterable[bytes]:
    gathered: list[bytes] = []
    size = 0
    for frame in frames:
        gathered.append(frame)
        size += len(frame)
        if size >= _CHUNK:
            yield b"".join(gathered)
            gathered, size = [], 0
    yield b"".join(gathered)
