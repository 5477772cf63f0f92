"""A place for each test in one Postgres: a database of its own, or a schema where that can't be had.

A database keeps apart even what adapters put into a fixed schema; it is copied from the empty
``template0``, whatever the server's other databases hold. A user without the right to create
databases, or a pooler that does not know new ones, gets schemas: then an adapter that ignores
both the given schema and the search path is not kept apart.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nq_conformance.services.postgres.client import execute, talk, with_database, with_search_path

if TYPE_CHECKING:
    from asyncpg import Connection

BUDGET_S = 20.0
_NAMESPACE = re.compile(r"[a-z][a-z0-9_]{0,61}")
_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname ~ $1"
_OWN_SCHEMAS = "^(?!pg_|information_schema$)"
_END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Databases:
    """Gives out places on the server at ``dsn``, and removes them with all that is in them.

    Its methods may be called from anywhere, on any event loop or none, and block until done.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._by_schema: bool | None = None

    def new_place(self, namespace: str) -> str:
        """The DSN of an empty place named ``namespace`` (a small letter, then those, digits and _).

        Raises ValueError for another namespace, and asyncpg's errors or OSError from the server.
        """
        _check(namespace)
        if self._by_schema is None:
            self._by_schema = not _can_create_databases(self._dsn, namespace)
        elif not self._by_schema:
            _create_database(self._dsn, namespace)
        if not self._by_schema:
            return with_database(self._dsn, namespace)
        execute(self._dsn, f'CREATE SCHEMA IF NOT EXISTS "{namespace}"', budget_s=BUDGET_S)
        return with_search_path(self._dsn, namespace)

    def clean(self, namespace: str) -> None:
        """Remove the place and what is still connected to it; one that is not there is fine.

        Of schemas also those go whose names are ``namespace`` and then anything but a digit. Raises
        as ``new_place`` does.
        """
        _check(namespace)
        if self._by_schema:
            talk(self._dsn, lambda connection: _drop_schemas(connection, namespace), BUDGET_S)
        else:
            _drop_database(self._dsn, namespace)

    def empty(self, namespace: str) -> None:
        """Make the place as it was when it was new, and end what is still connected to it.

        A fraction of the cost of another place. What is left are settings of the database itself.
        Raises as ``new_place`` does.
        """
        _check(namespace)
        if self._by_schema or not _can_be_emptied(with_database(self._dsn, namespace)):
            self.clean(namespace)
            self.new_place(namespace)


def _can_be_emptied(dsn: str) -> bool:
    """Empty the database; False if the user lacks a right, as before Postgres 15 to ``public``."""
    import asyncpg  # noqa: PLC0415 - optional

    try:
        talk(dsn, _empty_database, BUDGET_S)
    except asyncpg.InsufficientPrivilegeError:
        return False
    return True


def _can_create_databases(dsn: str, namespace: str) -> bool:
    """Make the database, and see whether it can be reached; False if there is none afterwards."""
    import asyncpg  # noqa: PLC0415 - optional

    try:
        _create_database(dsn, namespace)
    except asyncpg.PostgresError:
        return False
    try:
        execute(with_database(dsn, namespace), "SELECT 1", budget_s=BUDGET_S)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        _drop_database(dsn, namespace)
        return False
    return True


def _create_database(dsn: str, name: str) -> None:
    execute(dsn, f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'", budget_s=BUDGET_S)


def _drop_database(dsn: str, name: str) -> None:
    execute(dsn, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', budget_s=BUDGET_S)


async def _drop_schemas(connection: Connection, namespace: str) -> None:
    await _drop_schemas_like(connection, f"^{namespace}([^0-9].*)?$")


async def _empty_database(connection: Connection) -> None:
    await connection.execute(_END_OTHERS)
    await _drop_schemas_like(connection, _OWN_SCHEMAS)
    await connection.execute("CREATE SCHEMA public")
    await connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")


async def _drop_schemas_like(connection: Connection, pattern: str) -> None:
    for row in await connection.fetch(_SCHEMAS, pattern):
        await connection.execute(f'DROP SCHEMA IF EXISTS "{row["nspname"]}" CASCADE')


def _check(namespace: str) -> None:
    if not _NAMESPACE.fullmatch(namespace):
        raise ValueError(f"{namespace!r} is no namespace: a-z, then a-z, 0-9 and _ are wanted, 62 at most")
