"""nq_reference: the reference adapters, which pass the kit and show how each rule is meant.

The names below are loaded when they are first used, so that a provider's client library
is needed only by those who use that provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nq_reference.providers.bullmq import BullMQProvider
    from nq_reference.providers.file import FileProvider
    from nq_reference.providers.memory import MemoryProvider
    from nq_reference.providers.postgres import PostgresProvider
    from nq_reference.providers.redis import RedisProvider
    from nq_reference.providers.sqlite import SqliteProvider

__all__ = [
    "BullMQProvider",
    "FileProvider",
    "MemoryProvider",
    "PostgresProvider",
    "RedisProvider",
    "SqliteProvider",
]

_HOMES = {
    "BullMQProvider": "nq_reference.providers.bullmq",
    "FileProvider": "nq_reference.providers.file",
    "MemoryProvider": "nq_reference.providers.memory",
    "PostgresProvider": "nq_reference.providers.postgres",
    "RedisProvider": "nq_reference.providers.redis",
    "SqliteProvider": "nq_reference.providers.sqlite",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - nothing is loaded before it is asked for

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
