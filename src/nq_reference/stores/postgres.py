"""In Postgres."""

from __future__ import annotations

from nq_reference.config.adapters import PostgresConfig
from nq_reference.events.tables import TableEvents
from nq_reference.state.tables import TableState
from nq_reference.stores.base import Stores
from nq_reference.tables.postgres import PostgresTables


def stores(config: PostgresConfig) -> Stores:
    """In the schema of the queues; each has connections of its own."""
    events = TableEvents(_tables(config), history_ms=config.history_ms)
    return Stores(TableState(_tables(config)), events)


def _tables(config: PostgresConfig) -> PostgresTables:
    return PostgresTables(
        config.dsn,
        schema=config.schema,
        timeout_ms=config.timeout_ms,
        statement_cache_size=config.statement_cache_size,
    )
