"""The memory provider: for tests, for development, and to read how a rule is meant."""

from __future__ import annotations

from nq_reference.providers.base import SourceProvider
from nq_reference.sources.memory import MemorySource


class MemoryProvider(SourceProvider):
    """Queues in this process's memory; they end with the provider."""

    name = "memory"
    async_backends = ("asyncio", "trio", "uvloop")

    def __init__(self, *, source: MemorySource | None = None, close_timeout_ms: int = 30_000) -> None:
        super().__init__(source or MemorySource(), close_timeout_ms=close_timeout_ms)
