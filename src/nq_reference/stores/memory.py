"""In this process's memory."""

from __future__ import annotations

from nq_reference.config.adapters import MemoryConfig
from nq_reference.events.memory import MemoryEvents
from nq_reference.state.memory import MemoryState
from nq_reference.stores.base import Stores


def stores(config: MemoryConfig) -> Stores:
    """They end with the process."""
    return Stores(MemoryState(), MemoryEvents(history_flows=config.history_flows))
