"""The one shape in which the kit holds every adapter, whatever it was named by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import ClassVar

from nq_conformance.adapters.capability import Capability
from nq_conformance.adapters.setting import Service, Setting
from nq_conformance.contract import QueueProvider, WorkerManager

ASYNC_BACKENDS: tuple[str, ...] = ("asyncio", "trio", "uvloop")
"""Event loops that an adapter may say it runs on; ``uvloop`` is asyncio on uvloop."""


class Adapter(ABC):
    """A QueueProvider with its WorkerManager, for one backend; subclass it to be judged.

    Class attributes: ``name`` (in reports; default the class's name in lower case),
    ``service`` (what the kit must provide), ``capabilities`` (claims beyond the core),
    ``async_backends`` (see ``ASYNC_BACKENDS``). Without ``worker_manager`` only the
    provider's rules run.
    """

    name: str = ""
    service: Service = Service.NONE
    capabilities: Collection[Capability] = frozenset()
    async_backends: Collection[str] = ("asyncio",)
    shares_objects: ClassVar[bool] = True
    """Whether it is given the very objects of a test, in the kit's process; else JSON goes between them."""

    @abstractmethod
    def provider(self, setting: Setting) -> QueueProvider:
        """A new provider that is not yet initialised. Two of one setting share their data."""

    def worker_manager(self, provider: QueueProvider, setting: Setting) -> WorkerManager:
        """A new manager for ``provider``, which is initialised and stays open longer."""
        raise NotImplementedError(f"{type(self).__name__} has no worker_manager")

    @property
    def has_workers(self) -> bool:
        """Whether ``worker_manager`` is there; rules flagged w need it."""
        return type(self).worker_manager is not Adapter.worker_manager
