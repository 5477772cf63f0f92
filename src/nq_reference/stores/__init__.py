"""What flows keep, in the backend of the configured adapter: made by ``create_stores``.

Each module here knows one kind of backend, and is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module

from nq_reference.config.adapters import AnyAdapterConfig
from nq_reference.stores.base import Stores, StoresModule

__all__ = ["Stores", "create_stores"]

_KINDS = {
    "memory": "memory",
    "file": "sqlite",
    "sqlite": "sqlite",
    "redis": "redis",
    "bullmq": "redis",
    "postgres": "postgres",
}


def create_stores(config: AnyAdapterConfig) -> Stores:
    """The state provider and the event manager for an adapter's flows; not yet opened.

    They share the adapter's backend and namespace. Beside the file and SQLite adapters they have a
    SQLite file of their own.
    """
    module: StoresModule = import_module(f"{__name__}.{_KINDS[config.name]}")
    return module.stores(config)
