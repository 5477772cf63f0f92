"""In Redis."""

from __future__ import annotations

from nq_reference.config.adapters import BullMQConfig, RedisConfig
from nq_reference.events.redis import RedisEvents
from nq_reference.state.redis import RedisState
from nq_reference.stores.base import Stores


def stores(config: RedisConfig | BullMQConfig) -> Stores:
    """Under the prefix of the queues."""
    events = RedisEvents(
        config.url,
        prefix=config.prefix,
        history_ms=config.history_ms,
        history_flows=config.history_flows,
    )
    return Stores(RedisState(config.url, prefix=config.prefix), events)
