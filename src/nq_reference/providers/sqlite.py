"""The SQLite provider: several processes on one host, no server."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from nq_reference.names import check_name
from nq_reference.providers.base import SourceProvider
from nq_reference.sources.sqlite import SqliteSource
from nq_reference.sources.sqlite.database import Synchronous


class SqliteProvider(SourceProvider):
    """Queues in a SQLite file. Providers of one ``path`` and ``prefix`` share them, in any process."""

    name = "sqlite"
    capabilities = (*SourceProvider.capabilities, "durable", "distributed", "distributed_events")
    async_backends = ("asyncio", "trio", "uvloop")

    def __init__(
        self,
        path: str | Path,
        *,
        prefix: str = "nq",
        synchronous: Synchronous = "full",
        timeout_ms: int = 5_000,
        close_timeout_ms: int = 30_000,
    ) -> None:
        """``path`` is a file, made if it is missing, or a folder that has it as ``queue.sqlite3``."""
        check_name("prefix", prefix)
        if synchronous not in get_args(Synchronous):
            raise ValueError(f"synchronous must be full, normal or off, not {synchronous!r}")
        file = Path(path) / "queue.sqlite3" if Path(path).is_dir() else Path(path)
        source = SqliteSource(file, prefix=prefix, synchronous=synchronous, timeout_ms=timeout_ms)
        super().__init__(source, prefix=prefix, close_timeout_ms=close_timeout_ms)
