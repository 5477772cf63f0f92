"""The file provider: one process, no server, and nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from nq_reference.names import check_name
from nq_reference.providers.base import SourceProvider
from nq_reference.sources.file import FileSource
from nq_reference.sources.file.journal import Fsync


class FileProvider(SourceProvider):
    """Queues in memory with a journal in ``directory``; one provider at a time may have them."""

    name = "file"
    capabilities = (*SourceProvider.capabilities, "durable")
    async_backends = ("asyncio", "trio", "uvloop")

    def __init__(
        self,
        directory: str | Path,
        *,
        prefix: str = "nq",
        fsync: Fsync = "always",
        fsync_interval_ms: int = 1_000,
        close_timeout_ms: int = 30_000,
    ) -> None:
        """``fsync`` is ``always`` (what has returned is on the disk), ``interval`` or ``never``."""
        check_name("prefix", prefix)
        if fsync not in get_args(Fsync):
            raise ValueError(f"fsync must be always, interval or never, not {fsync!r}")
        source = FileSource(directory, prefix=prefix, fsync=fsync, fsync_interval_ms=fsync_interval_ms)
        super().__init__(source, prefix=prefix, close_timeout_ms=close_timeout_ms)
