"""How each adapter is reached: one configuration for each, known by the adapter's name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from nq_reference.config.addresses import postgres_problem, redis_problem
from nq_reference.config.options import About

CLOSING = "how long closing lets running handlers go on, in ms"
NAMESPACE = "the namespace; whoever shares it shares the queues"
REDIS_SERVER = "the server, as redis-py takes it"
EVENTS = "how many events a queue keeps, about"
HISTORY = "how long step events are kept for a flow's history, in ms"
HISTORY_FLOWS = "how many flows have their history kept: those that had an event last"
HISTORY_OPTIONS = ("history_ms", "history_flows")
DAY_MS = 24 * 3_600_000
REDIS_URL = "redis://127.0.0.1:6379/0"
# The address of a server may hold a password, so it is not part of what is shown of a configuration.


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """What every adapter has.

    ``location`` and ``namespace`` name the options that tell where the data is and under what
    name, if any; ``extra`` is what must be installed. ``several_processes``: whether more than one
    may work on the same queues. ``HISTORY_OPTIONS`` are for the stores of flows, the others for the provider.
    """

    name: ClassVar[str] = ""
    location: ClassVar[str | None] = None
    namespace: ClassVar[str | None] = "prefix"
    extra: ClassVar[str | None] = None
    several_processes: ClassVar[bool] = True

    close_timeout_ms: Annotated[int, About(CLOSING, least=0)] = 30_000

    @classmethod
    def general_names(cls) -> dict[str, str]:
        """``url`` and ``prefix`` by this adapter's own names for them, where it has others."""
        pairs = ((cls.location, "url"), (cls.namespace, "prefix"))
        return {own: general for own, general in pairs if own not in (None, general)}


@dataclass(frozen=True, slots=True)
class MemoryConfig(AdapterConfig):
    """Queues in this process's memory."""

    name = "memory"
    namespace = None
    several_processes = False

    history_flows: Annotated[int, About(HISTORY_FLOWS, least=1)] = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FileConfig(AdapterConfig):
    """Queues of one process, in memory with a journal on disk."""

    name = "file"
    location = "directory"
    several_processes = False

    directory: Annotated[Path, About("the folder of the journal; made if it is missing")]
    prefix: Annotated[str, About(NAMESPACE)] = "nq"
    fsync: Annotated[Literal["always", "interval", "never"], About("when writes reach the disk")] = "always"
    fsync_interval_ms: Annotated[int, About("how often, with fsync = interval", least=1)] = 1_000
    history_ms: Annotated[int, About(HISTORY, least=1)] = 7 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteConfig(AdapterConfig):
    """Queues of several processes on one host, in a SQLite file."""

    name = "sqlite"
    location = "path"

    path: Annotated[Path, About("the file, made if it is missing, or a folder to hold it")]
    prefix: Annotated[str, About(NAMESPACE)] = "nq"
    synchronous: Annotated[Literal["full", "normal", "off"], About("how soon writes reach the disk")] = "full"
    timeout_ms: Annotated[int, About("how long a call waits for other processes that write", least=0)] = 5_000
    history_ms: Annotated[int, About(HISTORY, least=1)] = 7 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisConfig(AdapterConfig):
    """Queues in Redis or Valkey."""

    name = "redis"
    location = "url"
    extra = "redis"

    url: Annotated[str, About(REDIS_SERVER, problem=redis_problem)] = field(default=REDIS_URL, repr=False)
    prefix: Annotated[str, About(NAMESPACE)] = "nq"
    event_stream_length: Annotated[int, About(EVENTS, least=1)] = 100_000
    history_ms: Annotated[int, About(HISTORY, least=1)] = DAY_MS
    history_flows: Annotated[int, About(HISTORY_FLOWS, least=1)] = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresConfig(AdapterConfig):
    """Queues in Postgres."""

    name = "postgres"
    location = "dsn"
    namespace = "schema"
    extra = "postgres"

    dsn: Annotated[str, About("the server, as asyncpg takes it", problem=postgres_problem)] = field(
        repr=False
    )
    schema: Annotated[str, About("the schema; whoever shares it shares the queues")] = "nq"
    timeout_ms: Annotated[int, About("how long a call waits for the server", least=1)] = 5_000
    max_connections: Annotated[int, About("for calls; one more listens", least=1)] = 8
    listen: Annotated[bool, About("false behind a pooler in transaction mode: then it polls")] = True
    statement_cache_size: Annotated[int, About("0 behind a pooler in transaction mode", least=0)] = 100
    history_ms: Annotated[int, About(HISTORY, least=1)] = 7 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class BullMQConfig(AdapterConfig):
    """Queues in Redis, in BullMQ's own format."""

    name = "bullmq"
    location = "url"
    extra = "bullmq"

    url: Annotated[str, About(REDIS_SERVER, problem=redis_problem)] = field(default=REDIS_URL, repr=False)
    prefix: Annotated[str, About("BullMQ's key prefix")] = "bull"
    event_stream_length: Annotated[int, About(EVENTS, least=1)] = 100_000
    history_ms: Annotated[int, About(HISTORY, least=1)] = DAY_MS
    history_flows: Annotated[int, About(HISTORY_FLOWS, least=1)] = 100_000


AnyAdapterConfig: TypeAlias = (
    MemoryConfig | FileConfig | SqliteConfig | RedisConfig | PostgresConfig | BullMQConfig
)
DEFAULT_ADAPTER = "memory"
ADAPTERS: dict[str, type[AnyAdapterConfig]] = {
    each.name: each
    for each in (MemoryConfig, FileConfig, SqliteConfig, RedisConfig, PostgresConfig, BullMQConfig)
}
