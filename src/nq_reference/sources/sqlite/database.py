"""The SQLite file: opening it, and bringing its tables to this version. Blocking calls."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from nq_conformance.contract import QueueError
from nq_reference.sources.sqlite.statements import migrations

Synchronous: TypeAlias = Literal["full", "normal", "off"]
T = TypeVar("T")

APPLICATION_ID = 0x6E716A62  # 'nqjb': tells our files from those of others
OLDEST_SQLITE = (3, 38, 0)  # STRICT tables, RETURNING, built-in JSON
BUSY_TRIES = 2
_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class DatabaseError(QueueError):
    """The file can't be opened as a queue; the environment's fault, or that of the path."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where the file is and how its connections behave.

    ``timeout_ms`` is how long a call waits in all for other processes that write.
    """

    path: Path
    synchronous: Synchronous
    timeout_ms: int

    def prepare(self) -> sqlite3.Connection:
        """A connection to write with, to a file that has the tables of this version.

        Any number of processes may do this at the same time. Raises ``DatabaseError``.
        """
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise DatabaseError(f"SQLite {sqlite3.sqlite_version} is too old; 3.38 or later is needed")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = self.connect()
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        try:
            when_free(lambda: _migrate(connection, self.path), self.timeout_ms)
            when_free(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone(), self.timeout_ms)
        except sqlite3.Error as error:
            connection.close()
            raise self._unusable(error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def connect(self, timeout_ms: int | None = None) -> sqlite3.Connection:
        """One more connection. Whoever has it makes one call at a time, from any thread.

        ``timeout_ms`` is how long each call of it waits for others, if not a part of ours.
        """
        patience_ms = self.timeout_ms / BUSY_TRIES if timeout_ms is None else timeout_ms
        connection = sqlite3.connect(
            self.path,
            timeout=patience_ms / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        connection.execute(f"PRAGMA synchronous = {self.synchronous}")
        return connection

    def _unusable(self, error: Exception) -> DatabaseError:
        return DatabaseError(
            f"can't open {self.path} as a queue: {error}. Give this process the right to write the file and "
            "its folder, and check that it is no other program's"
        )


def when_free(call: Callable[[], T], timeout_ms: int) -> T:
    """What ``call`` returns, tried again for ``timeout_ms`` while another process has the file.

    SQLite's own waiting does not cover the change to WAL.
    """
    end = time.monotonic() + timeout_ms / 1000
    while True:
        try:
            return call()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > end:
                raise
        time.sleep(0.01)


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Whether another process had what was needed, so that a later try may succeed."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _BUSY_CODES


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    steps = migrations()
    if _version(connection, path) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again: another process may have done it while this one waited.
        for statements in steps[_version(connection, path) :]:
            for each in statements:
                connection.execute(each)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if owner != APPLICATION_ID and not (empty and version == 0 and owner == 0):
        raise DatabaseError(f"{path} is a SQLite database of something else; name another file")
    if version > len(migrations()):
        raise DatabaseError(
            f"{path} was made by a later version: its tables are version {version}, known here are "
            f"{len(migrations())}. Use that version"
        )
    return version
