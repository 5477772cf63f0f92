"""Removing one job's record from a Postgres behind an adapter's back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nq_conformance.services.postgres.client import talk

if TYPE_CHECKING:
    from asyncpg import Connection

_BUDGET_S = 10.0
_COLUMNS = """
SELECT format('%I.%I', table_schema, table_name), quote_ident(column_name)
FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
AND table_schema NOT LIKE 'pg\\_%' AND data_type IN ('text', 'character varying', 'uuid')
"""


def forget_postgres_job(dsn: str, job_id: str) -> int:
    """Remove every row of the database that has ``job_id`` in a column of its own; how many there were.

    Rows that others refer to stay. Raises what ``talk`` does.
    """
    import asyncpg  # noqa: PLC0415 - optional

    async def forget(connection: Connection) -> int:
        removed = 0
        for table, column in await connection.fetch(_COLUMNS):
            try:
                # table and column are quoted by the server itself
                told = await connection.execute(
                    f"DELETE FROM {table} WHERE {column}::text = $1",  # noqa: S608
                    job_id,
                )
            except asyncpg.IntegrityConstraintViolationError:
                continue
            removed += int(told.split()[-1])
        return removed

    return talk(dsn, forget, _BUDGET_S)
