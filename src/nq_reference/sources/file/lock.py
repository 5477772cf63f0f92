"""One writer at a time: a lock of the operating system on a file beside the journal.

The lock ends with the process that holds it, however that dies. What the file says of the
holder is for people; only the lock itself decides.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from pathlib import Path

from nq_reference.sources.file.errors import JournalHeldError


class WriterLock:
    """Holds the file at ``path`` for this provider, from ``acquire`` to ``release``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock at once; raises ``JournalHeldError`` that says who has it, or ``OSError``."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(fd)
            os.close(fd)
            raise JournalHeldError(
                f"{self._path} is held by {holder}: a file queue has one provider at a time. Close that "
                "one, or give this one another directory or prefix"
            ) from None
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        note = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
        os.ftruncate(fd, 0)
        os.pwrite(fd, note, 0)

    def release(self) -> None:
        """Let the next one in. Idempotent; the file stays, as removing it would race with others."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _holder(fd: int) -> str:
    try:
        note = json.loads(os.pread(fd, 1000, 0))
        pid, host = note["pid"], note["host"]
    except (ValueError, KeyError, TypeError, OSError):
        return "another process, which has not said who it is"
    here = " (this process)" if (pid, host) == (os.getpid(), socket.gethostname()) else ""
    return f"process {pid}{here} on host {host}"
