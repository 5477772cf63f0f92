"""State in a table, of Postgres or SQLite."""

from __future__ import annotations

from nq_reference.state.base import JsonState
from nq_reference.tables.base import Tables

_TABLE = "CREATE TABLE IF NOT EXISTS nq.flow_state (key text PRIMARY KEY, value text NOT NULL)"
_READ = "SELECT value FROM nq.flow_state WHERE key = $1"
_WRITE = """INSERT INTO nq.flow_state (key, value) VALUES ($1, $2)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value"""
_DROP = "DELETE FROM nq.flow_state WHERE key = $1"


class TableState(JsonState):
    """Shared by all who use the same tables. Raises their client's errors."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def _connect(self) -> None:
        await self._tables.open("nq.flow_state", _TABLE)

    async def _disconnect(self) -> None:
        await self._tables.close()

    async def _read(self, key: str) -> str | None:
        rows = await self._tables.rows(_READ, key)
        return str(rows[0][0]) if rows else None

    async def _write(self, key: str, text: str) -> None:
        await self._tables.rows(_WRITE, key, text)

    async def _drop(self, key: str) -> None:
        await self._tables.rows(_DROP, key)
