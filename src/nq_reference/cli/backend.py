"""Where the queues are, by arguments, environment and file, in this order."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from nq_reference.config import ConfigError
from nq_reference.config.adapters import AnyAdapterConfig
from nq_reference.config.app import file_values
from nq_reference.factory import adapter_config, create_provider, environment_values, other_names

if TYPE_CHECKING:
    from nq_reference.providers.base import SourceProvider


def values_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The values for ``App.from_config``. Raises ``ConfigError``."""
    given = {name: getattr(arguments, name, None) for name in ("adapter", "url", "prefix", "queues")}
    layers = (
        {} if arguments.config is None else file_values(arguments.config),
        environment_values(),
        {name: value for name, value in given.items() if value is not None},
    )
    return _merged(layers)


def _merged(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Later layers win, by whichever name they call an option; one that names another adapter leaves
    nothing of the earlier one's options. Where none was named, they are for whichever comes."""
    values: dict[str, Any] = {}
    for layer in layers:
        adapter = layer.get("adapter", values.get("adapter"))
        if values.get("adapter") not in (None, adapter):
            values = {name: value for name, value in values.items() if name == "queues"}
        said_anew = other_names(adapter, layer)
        values = {**{name: value for name, value in values.items() if name not in said_anew}, **layer}
    return values


@asynccontextmanager
async def provider_of(arguments: argparse.Namespace) -> AsyncIterator[SourceProvider]:
    """An open provider. Raises ``ConfigError`` as ``shared_config`` does, and the client's errors."""
    async with opened(shared_config(arguments)) as provider:
        yield provider


@asynccontextmanager
async def opened(config: AnyAdapterConfig) -> AsyncIterator[SourceProvider]:
    """The same, by a configuration. Raises the client's errors."""
    provider = create_provider(config)
    try:
        await provider.init()
        yield provider
    finally:
        await provider.close()


def shared_config(arguments: argparse.Namespace) -> AnyAdapterConfig:
    """The adapter's configuration. Raises ``ConfigError``, also for queues that nobody else could see."""
    values = values_of(arguments)
    values.pop("queues", None)
    config = adapter_config(values)
    if config.name == "memory":
        raise ConfigError(
            "the memory adapter's queues end with this command; name another, "
            "such as --adapter sqlite --url jobs.sqlite3, or set NQ_ADAPTER and NQ_URL"
        )
    return config
