"""Tables in a schema of Postgres: the one of the queues, by the same connections' rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nq_reference.sources.postgres.connections import Access, Connections
from nq_reference.sources.postgres.statements import Statements
from nq_reference.tables.base import Dialect

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('nq.migration'))"  # shared with the queues' migrations


class PostgresTables:
    """Implements ``Tables``. Belongs to one asyncio event loop."""

    dialect: Dialect = "postgres"

    def __init__(
        self,
        dsn: str,
        *,
        schema: str = "nq",
        timeout_ms: int = 5_000,
        max_connections: int = 4,
        statement_cache_size: int = 100,
    ) -> None:
        self._statements = Statements.of(schema)
        self._connections = Connections(Access(dsn, timeout_ms, statement_cache_size), max_connections)

    async def open(self, table: str, definition: str) -> None:
        """See ``Tables.open``. Needs the right to create a schema only if there is none of this name."""
        if not await self._has(table):
            await self._connections.use(lambda connection: self._define(connection, definition))

    async def rows(self, sql: str, *args: object) -> Sequence[Any]:
        """See ``Tables.rows``."""
        return await self._connections.fetch(self._statements.placed(sql), *args)

    async def close(self) -> None:
        """See ``Tables.close``. What is under way may end first."""
        await self._connections.close()

    async def _has(self, table: str) -> bool:
        found = await self._connections.fetch(
            "SELECT to_regclass($1) IS NOT NULL", self._statements.placed(table)
        )
        return bool(found[0][0])

    async def _define(self, connection: Any, definition: str) -> None:
        async with connection.transaction():
            await connection.execute(self._statements.placed(_LOCK))
            schema = f'"{self._statements.schema}"'
            if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", schema):
                await connection.execute(f"CREATE SCHEMA {schema}")
            await connection.execute(self._statements.placed(definition))
