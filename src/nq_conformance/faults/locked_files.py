"""Files that somebody else keeps locked: what a backend without a server can suffer.

A process of the kit's takes every file of a folder for itself: a SQLite database by a
transaction that excludes all others, any other file by the system's advisory locks. To an
adapter it is another process that holds the storage for too long.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import anyio
from anyio.abc import Process

TIMEOUT_S = 5
"""For a database that somebody is using just then."""
_SCRIPT = """
import fcntl, pathlib, sqlite3, sys
kept, unlocked = [], []
for file in sorted(p for p in pathlib.Path(sys.argv[1]).rglob("*") if p.is_file()):
    if file.name.endswith(("-wal", "-shm", "-journal")):
        continue
    stream = file.open("r+b")
    if stream.read(16) == b"SQLite format 3\\0":
        stream.close()
        database = sqlite3.connect(file, timeout=float(sys.argv[2]), isolation_level=None)
        database.execute("BEGIN EXCLUSIVE")
        kept.append(database)
        continue
    kept.append(stream)
    for lock in (fcntl.flock, fcntl.lockf):
        try:
            lock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            unlocked.append(str(file))
print("locked", len(kept), flush=True)
sys.stdin.read()
"""


class LockedFiles:
    """All files of ``folder``, locked from ``lock`` to ``release`` by a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: Process | None = None

    async def lock(self) -> None:
        """Take the locks; raises ``RuntimeError`` if they are not to be had within some seconds."""
        command = [sys.executable, "-c", _SCRIPT, str(self._folder), str(TIMEOUT_S)]
        self._process = await anyio.open_process(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        told = b""
        try:
            told = await self._process.stdout.receive()
        except anyio.EndOfStream:
            told = b"".join([chunk async for chunk in self._process.stderr])
        if not told.startswith(b"locked"):
            raise RuntimeError(f"the files in {self._folder} could not be locked: {told.decode()}")

    async def release(self) -> None:
        """Let the locks go. Idempotent."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):  # it could not take the locks and has ended
                process.kill()
            await process.wait()
            await process.aclose()
