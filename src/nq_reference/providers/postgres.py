"""The Postgres provider: for production, where there is a Postgres 13 or later already."""

from __future__ import annotations

from nq_reference.providers.base import SourceProvider
from nq_reference.sources.postgres import PostgresSource
from nq_reference.sources.postgres.source import PostgresOptions


class PostgresProvider(SourceProvider):
    """Queues in Postgres. Providers of one database and ``schema`` share them, in any process.

    The schema is made by ``init`` if it is missing. Behind PgBouncer in transaction mode give
    ``options=PostgresOptions(listen=False, statement_cache_size=0)``: new work and events are then
    found by a poll.
    """

    name = "postgres"
    capabilities = (*SourceProvider.capabilities, "durable", "distributed", "distributed_events")

    def __init__(
        self,
        dsn: str,
        *,
        schema: str = "nq",
        options: PostgresOptions | None = None,
        close_timeout_ms: int = 30_000,
    ) -> None:
        source = PostgresSource(dsn, schema=schema, options=options or PostgresOptions())
        super().__init__(source, prefix=schema, close_timeout_ms=close_timeout_ms)
