"""The Redis provider: for production, on Redis 6.2 and later or Valkey."""

from __future__ import annotations

from nq_reference.names import check_name
from nq_reference.providers.base import SourceProvider
from nq_reference.sources.redis import RedisSource


class RedisProvider(SourceProvider):
    """Queues in Redis. Providers of one ``url`` and ``prefix`` share them, in any process.

    ``event_stream_length``: how many events a queue keeps, about; a subscriber that is further behind
    than that misses some.
    """

    name = "redis"
    capabilities = (*SourceProvider.capabilities, "durable", "distributed", "distributed_events")

    def __init__(
        self,
        url: str = "redis://127.0.0.1:6379/0",
        *,
        prefix: str = "nq",
        close_timeout_ms: int = 30_000,
        event_stream_length: int = 100_000,
    ) -> None:
        check_name("prefix", prefix)
        source = RedisSource(url, prefix=prefix, event_stream_length=event_stream_length)
        super().__init__(source, prefix=prefix, close_timeout_ms=close_timeout_ms)
