"""The right adapter, in the form in which miniatures bend it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

from nq_conformance import Adapter, Capability, Service, Setting
from nq_conformance.contract import QueueProvider, WorkerManager
from nq_reference.engine import EngineWorkerManager
from nq_reference.engine.worker import QueueWorker
from nq_reference.job_source import Claim, Exchange, Outcome
from nq_reference.providers.base import SourceProvider
from nq_reference.providers.file import FileProvider
from nq_reference.providers.memory import MemoryProvider
from nq_reference.providers.redis import RedisProvider
from nq_reference.providers.sqlite import SqliteProvider
from nq_reference.runner import Runner
from nq_reference.sources.file import FileSource, store
from nq_reference.sources.file.queue import JournaledQueue
from nq_reference.sources.memory import MemoryQueue, MemorySource
from nq_reference.sources.redis import RedisSource
from nq_reference.sources.sqlite import SqliteSource
from nq_reference.sources.sqlite import source as sqlite_source
from nq_reference.sources.sqlite.exchange import exchange
from nq_reference.sources.sqlite.transaction import Transaction


class Bent(Adapter):
    """What all miniatures have: which rule is broken, and how its failure must read.

    ``tells`` is a part of the failure's expectation or of what was seen. ``also`` are the rules that
    can't but fail as well, ``because`` says why.
    """

    breaks: ClassVar[str] = ""
    tells: ClassVar[str] = ""
    also: ClassVar[tuple[str, ...]] = ()
    because: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        """Name the miniature after its class."""
        cls.name = cls.__name__

    def worker_manager(self, provider: QueueProvider, setting: Setting) -> WorkerManager:
        """The manager that the provider makes."""
        assert isinstance(provider, SourceProvider)
        return provider.worker_manager(events=setting.events, state=setting.state, flow=setting.flow)


class Miniature(Bent):
    """The memory adapter. A subclass replaces one of the classes it is made of."""

    capabilities = frozenset(Capability(name) for name in MemoryProvider.capabilities)
    provider_class: ClassVar[type[MemoryProvider]] = MemoryProvider
    source_class: ClassVar[type[MemorySource]] = MemorySource
    queue_class: ClassVar[type[MemoryQueue]] = MemoryQueue
    manager_class: ClassVar[type[EngineWorkerManager]] = EngineWorkerManager
    worker_class: ClassVar[type[QueueWorker]] = QueueWorker
    runner_class: ClassVar[type[Runner]] = Runner

    def provider(self, setting: Setting) -> QueueProvider:
        """A provider made of this miniature's classes."""
        del setting
        source = type("Source", (self.source_class,), {"queue_class": self.queue_class})()
        parts = {"worker_class": self.worker_class, "runner_class": self.runner_class}
        manager_class = type("Manager", (self.manager_class,), parts)
        provider_class = type("Provider", (self.provider_class,), {"manager_class": manager_class})
        provider: QueueProvider = provider_class(source=source, close_timeout_ms=2_000)
        return provider


class RedisMiniature(Bent):
    """The Redis adapter, for rules about data that lasts, several processes and faults. It is no
    ``Miniature`` itself, so that both have classes of their own to replace."""

    service = Service.REDIS
    capabilities = frozenset(Capability(name) for name in RedisProvider.capabilities)
    provider_class: ClassVar[type[SourceProvider]] = SourceProvider
    source_class: ClassVar[type[RedisSource]] = RedisSource
    manager_class: ClassVar[type[EngineWorkerManager]] = EngineWorkerManager
    worker_class: ClassVar[type[QueueWorker]] = QueueWorker
    runner_class: ClassVar[type[Runner]] = Runner

    def provider(self, setting: Setting) -> QueueProvider:
        """A provider made of this miniature's classes."""
        assert setting.url is not None
        parts = {"worker_class": self.worker_class, "runner_class": self.runner_class}
        manager_class = type("Manager", (self.manager_class,), parts)
        provider_class = type("Provider", (self.provider_class,), {"manager_class": manager_class})
        source = self.source_class(setting.url, prefix=setting.namespace)
        provider: QueueProvider = provider_class(source, prefix=setting.namespace, close_timeout_ms=2_000)
        return provider


class BentSqlite(SqliteSource):
    """SQLite's source with places to bend it: SQL that is run at each start, and the exchange."""

    at_start: ClassVar[str] = ""

    async def open(self) -> None:
        """Open as ever, then run ``at_start``."""
        first = not self._opened
        await super().open()
        if first and self.at_start:
            await self._writes.run(lambda tx: tx._connection.execute(self.at_start))

    async def _write(self, queue: str, verb: Any, *args: Any) -> Any:
        bent = self._timed if verb is sqlite_source._timed_exchange else verb
        return await super()._write(queue, bent, *args)

    def _timed(
        self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim
    ) -> tuple[int, Exchange]:
        return tx.now, self.bend(tx, queue, outcomes, claim)

    def bend(self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
        """The exchange, in its transaction."""
        return exchange(tx, queue, outcomes, claim)


class SqliteMiniature(Bent):
    """The SQLite adapter, for rules about data that lasts and several processes. With ``alone`` it
    does not claim to work with several, and is not judged by what it would do then."""

    service = Service.DIRECTORY
    capabilities = frozenset(Capability(name) for name in SqliteProvider.capabilities)
    source_class: ClassVar[type[SqliteSource]] = BentSqlite
    manager_class: ClassVar[type[EngineWorkerManager]] = EngineWorkerManager

    def __init_subclass__(cls, *, alone: bool = False) -> None:
        """With ``alone``, claim less."""
        super().__init_subclass__()
        if alone:
            cls.capabilities -= {Capability.DISTRIBUTED, Capability.DISTRIBUTED_EVENTS}

    def provider(self, setting: Setting) -> QueueProvider:
        """A provider made of this miniature's classes."""
        assert setting.directory is not None
        provider_class = type("Provider", (SourceProvider,), {"manager_class": self.manager_class})
        source = self.source_class(setting.directory / "queue.sqlite3", prefix=setting.namespace)
        provider: QueueProvider = provider_class(source, prefix=setting.namespace, close_timeout_ms=2_000)
        return provider


class BentStore(store.Store):
    """The file backend's store with another class of queues."""

    queue_class: type[JournaledQueue] = JournaledQueue

    def queue(self, name: str) -> JournaledQueue:
        """A queue of that class."""
        if name not in self._table:
            self._table[name] = self.queue_class(name, self._note)
        return self._table[name]


class BentFile(FileSource):
    """The file backend's source with another class of store."""

    store_class: ClassVar[type[BentStore]] = BentStore

    async def open(self) -> None:
        """Open as ever, a store of that class."""
        stores = store._all()
        if self._place not in stores:
            stores[self._place] = self.store_class(self._place, self._fsync, self._fsync_interval_ms)
        await super().open()


class FileMiniature(Bent):
    """The file adapter, for rules about one process after the other."""

    service = Service.DIRECTORY
    capabilities = frozenset(Capability(name) for name in FileProvider.capabilities)
    source_class: ClassVar[type[BentFile]] = BentFile
    store_class: ClassVar[type[BentStore]] = BentStore
    queue_class: ClassVar[type[JournaledQueue]] = JournaledQueue

    def provider(self, setting: Setting) -> QueueProvider:
        """A provider made of this miniature's classes."""
        assert setting.directory is not None
        stored = type("Store", (self.store_class,), {"queue_class": self.queue_class})
        source_class = type("Source", (self.source_class,), {"store_class": stored})
        source = source_class(setting.directory, prefix=setting.namespace, fsync="never")
        return SourceProvider(source, prefix=setting.namespace, close_timeout_ms=2_000)


AnyMiniature: TypeAlias = Miniature | RedisMiniature | SqliteMiniature | FileMiniature
