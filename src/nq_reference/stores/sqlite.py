"""In a SQLite file beside the data of the queues."""

from __future__ import annotations

from pathlib import Path

from nq_reference.config.adapters import FileConfig, SqliteConfig
from nq_reference.events.tables import TableEvents
from nq_reference.sources.file.naming import file_stem
from nq_reference.state.tables import TableState
from nq_reference.stores.base import Stores
from nq_reference.tables.sqlite import SqliteTables


def stores(config: FileConfig | SqliteConfig) -> Stores:
    """One file for each prefix, next to that of the queues; each store has a connection of its own."""
    file = _file(config)
    events = TableEvents(SqliteTables(file), history_ms=config.history_ms)
    return Stores(TableState(SqliteTables(file)), events)


def _file(config: FileConfig | SqliteConfig) -> Path:
    name = f"{file_stem(config.prefix)}.flows.sqlite3"
    if isinstance(config, FileConfig):
        return config.directory / name
    return config.path / name if config.path.is_dir() else config.path.with_name(f"{config.path.name}.{name}")
