"""Files that another process keeps locked."""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
from pathlib import Path

import pytest

from nq_conformance.faults import LockedFiles

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The locks are another process's affair."""
    return "asyncio"


def write(file: Path) -> None:
    """Write to a database, or raise at once."""
    with contextlib.closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as database:
        database.execute("CREATE TABLE IF NOT EXISTS t (n)")
        database.execute("INSERT INTO t VALUES (1)")


async def test_a_database_is_locked_until_it_is_released(tmp_path: Path) -> None:
    """Also one in a folder further down."""
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "queue.db"
    write(file)
    files = LockedFiles(tmp_path)
    await files.lock()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        write(file)
    await files.release()
    await files.release()
    write(file)


async def test_any_other_file_is_locked_as_well(tmp_path: Path) -> None:
    """By flock."""
    file = tmp_path / "journal"
    file.touch()
    files = LockedFiles(tmp_path)
    await files.lock()
    with file.open("r+b") as stream:
        with pytest.raises(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        await files.release()
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_a_database_that_somebody_uses_for_long_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than taken for locked."""
    monkeypatch.setattr("nq_conformance.faults.locked_files.TIMEOUT_S", 0)
    file = tmp_path / "queue.db"
    write(file)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        files = LockedFiles(tmp_path)
        with pytest.raises(RuntimeError, match=r"could not be locked: (?s:.*)locked"):
            await files.lock()
        await files.release()
