"""Disks that fail: one that takes no more than a little, one that is read-only, and a last write that
a power cut has torn.

Nothing here knows what an adapter's files mean. What a write has added is told by comparing
a folder before and after it.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nq_conformance.violation import Inconclusive


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a folder at one moment: path → (inode, size in bytes)."""

    at: dict[Path, tuple[int, int]]

    @classmethod
    def of(cls, folder: Path) -> Files:
        """What is there now."""
        stats = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
        return cls({path: (stat.st_ino, stat.st_size) for path, stat in stats.items()})

    @property
    def largest(self) -> int:
        """The size of the largest, in bytes."""
        return max((size for _, size in self.at.values()), default=0)

    def tear(self, later: Files) -> list[str]:
        """Halve what has been added since this moment, up to ``later``, as a power cut in the middle
        of the writes does; returns what was cut, in words.

        A file that was put in another's place as a whole is left alone: it is never seen half.
        """
        torn = []
        for path, (inode, size) in later.at.items():
            before_inode, before = self.at.get(path, (inode, 0))
            if before_inode == inode and size > before:
                kept = before + (size - before) // 2
                with path.open("r+b") as file:
                    file.truncate(kept)
                torn.append(f"{path.name} from {size} to {kept} bytes")
        return torn


@contextmanager
def full_disk(pid: int, size_limit: int) -> Iterator[None]:
    """Let no file that the process ``pid`` writes become larger than ``size_limit`` bytes, as if the
    disk had no more room. Raises ``Inconclusive`` where the system has no way to do that."""
    if sys.platform != "linux":
        raise Inconclusive("a full disk can be put before another process on Linux only")
    import resource  # noqa: PLC0415 - not to be had everywhere

    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write in ``folder`` who opens a file from now on, as if its disk were read-only.

    It goes by permissions, so that processes which are ``bound_by_permissions`` obey. Those that have
    a file open may go on to write to it.
    """
    modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*")) if not path.is_symlink()}
    try:
        for path, mode in modes.items():
            path.chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
        yield
    finally:
        for path, mode in modes.items():
            if path.exists():
                path.chmod(mode)


def bound_by_permissions() -> tuple[str, ...]:
    """Words before a command that let it heed a file's permissions: none are needed, but for root.

    Raises ``Inconclusive`` for root without the program that takes this right away.
    """
    if os.geteuid() != 0:
        return ()
    program = shutil.which("setpriv")
    if program is None:
        raise Inconclusive(
            "root writes to what is read-only, and setpriv, which takes that right from a process, is not on "
            "PATH: apt install util-linux, or run as another user"
        )
    return (program, "--bounding-set=-dac_override")
