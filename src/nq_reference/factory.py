"""Makes an adapter by configuration: the one place that knows all of them (seed section 4).

Nothing of an adapter is imported before it is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

import nq_reference
from nq_conformance.contract import EventManager, FlowEngine, StateProvider
from nq_reference.config import ConfigError, read, unknown
from nq_reference.config.adapters import (
    ADAPTERS,
    DEFAULT_ADAPTER,
    HISTORY_OPTIONS,
    AnyAdapterConfig,
    PostgresConfig,
)

if TYPE_CHECKING:
    from nq_reference.engine import EngineWorkerManager
    from nq_reference.providers.base import SourceProvider

_VARIABLES = {"NQ_ADAPTER": "adapter", "NQ_URL": "url"}
_PROVIDERS = {
    "memory": "MemoryProvider",
    "file": "FileProvider",
    "sqlite": "SqliteProvider",
    "redis": "RedisProvider",
    "postgres": "PostgresProvider",
    "bullmq": "BullMQProvider",
}


class WorkerManagerBuilder(Protocol):
    """Makes a worker manager whose workers run the provider's jobs."""

    def __call__(
        self,
        *,
        events: EventManager | None = None,
        state: StateProvider | None = None,
        flow: FlowEngine | None = None,
    ) -> EngineWorkerManager:
        """A new manager, closed with its provider."""
        ...


@dataclass(frozen=True, slots=True)
class BuiltAdapter:
    """A provider, not yet initialised, and what makes its worker managers."""

    provider: SourceProvider
    worker_manager: WorkerManagerBuilder


def adapter_config(values: Mapping[str, Any]) -> AnyAdapterConfig:
    """The configuration of the adapter that ``values["adapter"]`` names, ``memory`` by default.

    The other values are its options. ``url`` is taken for the option that says where its data is,
    whatever its name: ``dsn`` of Postgres, ``path`` of SQLite, ``directory`` of file; likewise
    ``prefix`` for Postgres' ``schema``. Raises ``ConfigError`` for an unknown name or option and for
    a value of the wrong type.
    """
    options = dict(values)
    name = options.pop("adapter", None) or DEFAULT_ADAPTER
    if not isinstance(name, str) or name not in ADAPTERS:
        raise ConfigError(unknown("adapter", name, ADAPTERS))
    given_as = other_names(name, options)
    return read(ADAPTERS[name], options, f"{name} adapter", lambda own: given_as.get(own, own))


def other_names(adapter: object, values: Mapping[str, Any]) -> dict[str, str]:
    """Of each option that has two names with this adapter and is in ``values``: the other name, with
    the one that is used there. Raises ``ConfigError`` where both are used."""
    kind = ADAPTERS.get(adapter or DEFAULT_ADAPTER) if isinstance(adapter, str | None) else None
    others: dict[str, str] = {}
    for own, general in kind.general_names().items() if kind else ():
        if own in values and general in values:
            raise ConfigError(f"{adapter} adapter: {general} and {own} say the same; give one of them")
        if own in values or general in values:
            used, other = (own, general) if own in values else (general, own)
            others[other] = used
    return others


def environment_values(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What ``NQ_ADAPTER`` and ``NQ_URL`` say, as values for ``adapter_config``."""
    return {key: environment[name] for name, key in _VARIABLES.items() if environment.get(name)}


def create_provider(config: AnyAdapterConfig | Mapping[str, Any] | None = None) -> SourceProvider:
    """The provider for ``config``, for values as ``adapter_config`` takes them, or, without either,
    for what the environment says. It is not initialised.

    Raises ``ConfigError``, also where the adapter's client library is not installed.
    """
    if config is None:
        config = environment_values()
    if isinstance(config, Mapping):
        config = adapter_config(config)
    try:
        return _built(config)
    except ModuleNotFoundError as error:
        if config.extra is None:
            raise
        module = str(error.name).partition(".")[0]
        raise ConfigError(
            f"the {config.name} adapter needs the module {module!r}, which is not installed: "
            f"pip install nq-conformance[{config.extra}]"
        ) from error


def create_adapter(config: AnyAdapterConfig | Mapping[str, Any] | None = None) -> BuiltAdapter:
    """The provider for ``config`` with the builder of its worker managers; see ``create_provider``."""
    provider = create_provider(config)
    return BuiltAdapter(provider, provider.worker_manager)


def _built(config: AnyAdapterConfig) -> SourceProvider:
    kind: type[SourceProvider] = getattr(nq_reference, _PROVIDERS[config.name])
    if isinstance(config, PostgresConfig):
        return _postgres(config)
    names = (field.name for field in fields(config) if field.name not in HISTORY_OPTIONS)
    return kind(**{name: getattr(config, name) for name in names})


def _postgres(config: PostgresConfig) -> SourceProvider:
    from nq_reference.sources.postgres.source import PostgresOptions  # noqa: PLC0415 - only when asked for

    options = PostgresOptions(
        timeout_ms=config.timeout_ms,
        max_connections=config.max_connections,
        listen=config.listen,
        statement_cache_size=config.statement_cache_size,
    )
    return nq_reference.PostgresProvider(
        config.dsn, schema=config.schema, options=options, close_timeout_ms=config.close_timeout_ms
    )
