"""Tables in a SQLite file of their own, beside that of the queues."""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from nq_conformance.contract import ClosedError
from nq_reference.sources.sqlite.database import when_free
from nq_reference.tables.base import Dialect

_PARAMETER = re.compile(r"\$(\d+)")
_PREFIX = re.compile(r"\bnq\.")


class SqliteTables:
    """Implements ``Tables``. One call at a time, in a thread; other processes may use the file as well."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, *, timeout_ms: int = 5_000) -> None:
        self._path = path
        self._timeout_ms = timeout_ms
        self._turn = anyio.Lock()
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    async def open(self, table: str, definition: str) -> None:  # noqa: ARG002 - IF NOT EXISTS costs nothing here
        """See ``Tables.open``. Raises ``OSError`` or ``sqlite3.Error`` for a path that can't be used."""
        await self._in_turn(lambda connection: connection.executescript(_translated(definition)))

    async def rows(self, sql: str, *args: object) -> Sequence[Any]:
        """See ``Tables.rows``."""
        numbered = {str(number): arg for number, arg in enumerate(args, 1)}  # as ?1 is a name to sqlite3
        rows: list[Any] = await self._in_turn(lambda to: to.execute(_translated(sql), numbered).fetchall())
        return rows

    async def close(self) -> None:
        """See ``Tables.close``. Waits for what is under way."""
        self._closed = True
        async with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None:
                await anyio.to_thread.run_sync(connection.close)

    async def _in_turn(self, call: Callable[[sqlite3.Connection], Any]) -> Any:
        async with self._turn:
            if self._closed:
                raise ClosedError("these tables are closed; make new ones to go on")
            return await anyio.to_thread.run_sync(self._call, call)

    def _call(self, call: Callable[[sqlite3.Connection], Any]) -> Any:
        if self._connection is None:
            self._connection = self._connected()
        return call(self._connection)

    def _connected(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=self._timeout_ms / 1000, isolation_level=None, check_same_thread=False
        )
        try:
            when_free(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone(), self._timeout_ms)
        except BaseException:
            connection.close()
            raise
        return connection


@functools.cache
def _translated(sql: str) -> str:
    return _PARAMETER.sub(r"?\1", _PREFIX.sub("", sql))
