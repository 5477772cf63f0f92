"""Removing jobs' records from a Postgres behind an adapter's back."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from nq_conformance.services.postgres.client import talk
from nq_conformance.services.records import stems_of

if TYPE_CHECKING:
    from asyncpg import Connection

_BUDGET_S = 10.0
_KEY_COLUMNS = r"""
SELECT DISTINCT format('%I.%I', n.nspname, t.relname), quote_ident(c.attname)
FROM pg_index i
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = ANY ((i.indkey::int2[])[0 : i.indnkeyatts - 1])
WHERE i.indisunique AND t.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema$)'
AND (current_schema() IS DISTINCT FROM $1::text OR n.nspname ~ ('^' || $1::text || '([^0-9].*)?$'))
"""
"""Columns of primary keys and unique indexes; of a place that is a schema, in what is cleaned with it."""


def forget_postgres_jobs(dsn: str, namespace: str, gone: Collection[str], among: Collection[str]) -> int:
    """Remove the rows of the place ``namespace`` at ``dsn`` whose key is, or ends with, an id of ``gone``;
    how many there were.

    ``among`` are the ids of all jobs that the queue has, by which their rows are told from others (see
    ``stems_of``). Only columns of a primary key or unique index are looked at, of any type, as text: other
    columns hold the like of an id by chance. Rows that others refer to stay. Raises what ``talk`` does.
    """

    async def forget(connection: Connection) -> int:
        removed = 0
        for table, column in await connection.fetch(_KEY_COLUMNS, namespace):
            removed += await _forget_rows(connection, table, f"{column}::text", gone, among)
        return removed

    return talk(dsn, forget, _BUDGET_S)


async def _forget_rows(
    connection: Connection, table: str, key: str, gone: Collection[str], among: Collection[str]
) -> int:
    """Remove rows of one table, by ``key``, an expression; the server itself has quoted the names."""
    import asyncpg  # noqa: PLC0415 - optional

    rows = await connection.fetch(f"SELECT {key} FROM {table} WHERE {key} IS NOT NULL")  # noqa: S608
    removed = 0
    for wanted in [stem + id for stem in stems_of([row[0] for row in rows], among) for id in gone]:
        try:
            told = await connection.execute(f"DELETE FROM {table} WHERE {key} = $1", wanted)  # noqa: S608
        except asyncpg.IntegrityConstraintViolationError:
            continue
        removed += int(told.split()[-1])
    return removed
