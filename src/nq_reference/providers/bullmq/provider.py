"""The provider: what every provider of ours does, over BullMQ's queues."""

from __future__ import annotations

from typing import cast

from nq_reference.job_source import JobSource
from nq_reference.names import check_name
from nq_reference.providers.base import SourceProvider
from nq_reference.providers.bullmq.manager import BullMQWorkerManager
from nq_reference.providers.bullmq.source import BullMQSource


class BullMQProvider(SourceProvider):
    """Queues in Redis 6.2 or later, in BullMQ's own format.

    - ``url``: the server, as redis-py takes it. An imitation such as fakeredis is refused.
    - ``prefix``: BullMQ's key prefix; ``bull`` is what its Node library uses.
    - ``close_timeout_ms``: how long closing lets running handlers go on.
    - ``event_stream_length``: how many events a queue keeps, about, where a subscriber of
      this provider listens. BullMQ's own 10,000 lose events in a burst of as many jobs; a
      longer setting that an application has made is left as it is.
    """

    name = "bullmq"
    capabilities = (*SourceProvider.capabilities, "durable", "distributed", "distributed_events")
    manager_class = BullMQWorkerManager

    def __init__(
        self,
        url: str = "redis://127.0.0.1:6379/0",
        *,
        prefix: str = "bull",
        close_timeout_ms: int = 30_000,
        event_stream_length: int = 100_000,
    ) -> None:
        check_name("prefix", prefix)
        source = BullMQSource(url, prefix=prefix, event_stream_length=event_stream_length)
        # The base asks for no more of a source than BullMQSource has: claims and outcomes
        # are the engine's business, whose place BullMQ's worker takes here.
        super().__init__(cast("JobSource", source), prefix=prefix, close_timeout_ms=close_timeout_ms)
