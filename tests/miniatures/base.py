"""The right adapter, in the form in which miniatures bend it."""

from __future__ import annotations

from typing import ClassVar

from nq_conformance import Adapter, Capability, Setting
from nq_conformance.contract import QueueProvider, WorkerManager
from nq_reference.engine import EngineWorkerManager
from nq_reference.engine.worker import QueueWorker
from nq_reference.providers.memory import MemoryProvider
from nq_reference.runner import Runner
from nq_reference.sources.memory import MemoryQueue, MemorySource


class Miniature(Adapter):
    """The memory adapter. A subclass replaces one of the classes it is made of.

    ``tells`` is what the failure must say: a part of its expectation or of what was seen.
    """

    breaks: ClassVar[str] = ""
    tells: ClassVar[str] = ""
    also: ClassVar[tuple[str, ...]] = ()
    because: ClassVar[str] = ""

    capabilities = frozenset(Capability(name) for name in MemoryProvider.capabilities)
    provider_class: ClassVar[type[MemoryProvider]] = MemoryProvider
    source_class: ClassVar[type[MemorySource]] = MemorySource
    queue_class: ClassVar[type[MemoryQueue]] = MemoryQueue
    manager_class: ClassVar[type[EngineWorkerManager]] = EngineWorkerManager
    worker_class: ClassVar[type[QueueWorker]] = QueueWorker
    runner_class: ClassVar[type[Runner]] = Runner

    def __init_subclass__(cls) -> None:
        """Name the miniature after its class."""
        cls.name = cls.__name__

    def provider(self, setting: Setting) -> QueueProvider:
        """A provider made of this miniature's classes."""
        del setting
        source = type("Source", (self.source_class,), {"queue_class": self.queue_class})()
        parts = {"worker_class": self.worker_class, "runner_class": self.runner_class}
        manager_class = type("Manager", (self.manager_class,), parts)
        provider_class = type("Provider", (self.provider_class,), {"manager_class": manager_class})
        provider: QueueProvider = provider_class(source=source, close_timeout_ms=2_000)
        return provider

    def worker_manager(self, provider: QueueProvider, setting: Setting) -> WorkerManager:
        """A manager made of this miniature's classes."""
        assert isinstance(provider, MemoryProvider)
        return provider.worker_manager(events=setting.events, state=setting.state, flow=setting.flow)
