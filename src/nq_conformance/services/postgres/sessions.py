"""The end of all sessions in one test's database."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nq_conformance.services.postgres.client import PROBE_BUDGET_S, talk

if TYPE_CHECKING:
    from asyncpg import Connection

_END = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def end_postgres_sessions(dsn: str) -> int:
    """End all sessions of the database, and say how many there were.

    Raises ValueError for a place that is a schema only: its database has others in it. Raises what
    ``talk`` does when the server does not answer, or does not allow it.
    """
    if "search_path=" in urlsplit(dsn).query:
        raise ValueError("the place is a schema in a database that others use as well")

    async def end(connection: Connection) -> int:
        return int(await connection.fetchval(_END))

    return talk(dsn, end, PROBE_BUDGET_S)
