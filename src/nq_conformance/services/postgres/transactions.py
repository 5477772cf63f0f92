"""Which transactions stand open in a database, for the rule that none does while a handler runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nq_conformance.services.postgres.client import PROBE_BUDGET_S, talk

if TYPE_CHECKING:
    from asyncpg import Connection

_OPEN = """
SELECT format('%s: %s', state, left(query, 80)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'
ORDER BY xact_start
"""


def open_transactions(dsn: str) -> list[str]:
    """State and last statement of each connection that is idle inside a transaction, the oldest first.

    Raises what ``talk`` does when the server does not answer.
    """

    async def ask(connection: Connection) -> list[str]:
        return [str(row[0]) for row in await connection.fetch(_OPEN)]

    return talk(dsn, ask, PROBE_BUDGET_S)
