"""Jobs in one SQLite file, for any number of processes on one host."""

from nq_reference.sources.sqlite.source import SqliteSource

__all__ = ["SqliteSource"]
