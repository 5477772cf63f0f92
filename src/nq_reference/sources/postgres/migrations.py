"""Brings the schema to the form that this version works with, whoever else is starting as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nq_conformance.contract import QueueError
from nq_reference.sources.postgres.statements import Migration, Statements

_TABLE = """CREATE TABLE nq.migration (
  number int PRIMARY KEY, name text NOT NULL, applied_on timestamptz NOT NULL DEFAULT now())"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('nq.migration'))"


async def migrate(connection: Any, statements: Statements) -> None:
    """Apply what is missing, in one transaction. Costs two questions where nothing is.

    Of several that start at once one does the work and the others wait for it (LIFE-01). Needs the
    right to create a schema only if there is none of this name. Raises ``QueueError`` where a later
    version of this package has been at work, and asyncpg's errors.
    """
    wanted = statements.migrations()
    if await _applied(connection, statements) == wanted[-1].number:
        return
    async with connection.transaction():
        await connection.execute(statements.placed(_LOCK))
        await _found(connection, statements)
        last = await _applied(connection, statements)
        if last > wanted[-1].number:
            raise QueueError(
                f"schema {statements.schema!r} is at migration {last}, which a later version of this package "
                f"made; this one knows {wanted[-1].number}. Update it here, or use another schema"
            )
        missing = [migration for migration in wanted if migration.number > last]
        if missing:  # nobody else has been faster
            await _apply(connection, statements, missing)


async def _apply(connection: Any, statements: Statements, missing: Sequence[Migration]) -> None:
    """Apply these in one round trip, and note them."""
    await connection.execute("\n".join(migration.text for migration in missing))
    insert = "INSERT INTO nq.migration (number, name) SELECT * FROM unnest($1::text[]::int[], $2::text[])"
    numbers, names = [str(each.number) for each in missing], [each.name for each in missing]
    await connection.execute(statements.placed(insert), numbers, names)


async def _found(connection: Any, statements: Statements) -> None:
    """Create the schema and its list of migrations, if they are not there."""
    if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", f'"{statements.schema}"'):
        await connection.execute(f'CREATE SCHEMA "{statements.schema}"')
    if not await _has_list(connection, statements):
        await connection.execute(statements.placed(_TABLE))


async def _applied(connection: Any, statements: Statements) -> int:
    """The last migration that was applied, 0 if none was."""
    if not await _has_list(connection, statements):
        return 0
    last = await connection.fetchval(statements.placed("SELECT max(number) FROM nq.migration"))
    return int(last or 0)


async def _has_list(connection: Any, statements: Statements) -> bool:
    found = "SELECT to_regclass($1) IS NOT NULL"
    return bool(await connection.fetchval(found, statements.placed("nq.migration")))
