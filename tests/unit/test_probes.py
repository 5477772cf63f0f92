"""What the probes find in an adapter that says nothing of what it can do."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from dataclasses import replace
from typing import Any

import anyio
import pytest

from nq_conformance import Adapter, Capability, Setting
from nq_conformance.contract import (
    JobInput,
    QueueProvider,
    ScheduleOptions,
    UnsupportedError,
    WorkerManager,
    WorkerOptions,
)
from nq_conformance.history import History
from nq_conformance.lab import Lab, make_setting
from nq_conformance.lab.probes import undeclared
from nq_reference.engine import EngineWorkerManager
from nq_reference.providers.memory import MemoryProvider

OPTIONAL = {Capability(name) for name in MemoryProvider.capabilities}


class Silent(Adapter):
    """The memory adapter, which declares ``capabilities`` and has what ``provider_class`` has."""

    provider_class: type[MemoryProvider] = MemoryProvider

    def __init__(self, *capabilities: Capability) -> None:
        self.capabilities: Collection[Capability] = capabilities

    def provider(self, setting: Setting) -> QueueProvider:
        """A memory provider."""
        del setting
        return self.provider_class()

    def worker_manager(self, provider: QueueProvider, setting: Setting) -> WorkerManager:
        """Its manager."""
        assert isinstance(provider, MemoryProvider)
        return provider.worker_manager(events=setting.events, state=setting.state, flow=setting.flow)


class IdleManager(EngineWorkerManager):
    """Never starts a worker that was not started at once, and has children of no kind."""

    async def register_worker(
        self, queue_name: str, job_name: str, handler: Any, opts: WorkerOptions | None = None
    ) -> None:
        """Refuse one runtime, and take the other for another."""
        if opts is not None and opts.runtime == "node-isolated":
            raise UnsupportedError("no Node")
        if opts is not None and opts.runtime == "python":
            opts = replace(opts, runtime="in-process")

            async def handler(_data: Any, _ctx: Any) -> str:
                return "something else"

        await super().register_worker(queue_name, job_name, handler, opts)

    async def start_worker(self, queue_name: str) -> None:
        """Do nothing."""


class NoOptions(MemoryProvider):
    """Raises for everything optional, in the various ways in which it can be missing."""

    enqueue_many: Any = None

    async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
        """Ignore patterns."""
        return await self.enqueue(queue_name, job)

    async def remove_job(self, queue_name: str, id: str) -> bool:
        """Pretend."""
        del queue_name, id
        return True

    async def get_scheduled_jobs(self, queue_name: str) -> Any:
        """Refuse."""
        raise NotImplementedError(queue_name)

    async def remove_scheduled_job(self, queue_name: str, id: str) -> bool:
        """Never return."""
        del queue_name, id
        await anyio.sleep_forever()
        return True

    manager_class = IdleManager


class Bare(Silent):
    """Has nothing optional."""

    provider_class = NoOptions


async def probed(adapter: Adapter) -> set[Capability]:
    history = History()
    lab = Lab(adapter, make_setting("probes", history=history), history, time_scale=0.2)
    try:
        return set(await undeclared(lab))
    finally:
        await lab.close()


def run(call: Awaitable[set[Capability]]) -> set[Capability]:
    async def awaited() -> set[Capability]:
        return await call

    return anyio.run(awaited)


def test_everything_that_works_undeclared_is_found() -> None:
    """An adapter that declares nothing can do everything."""
    assert run(probed(Silent())) == OPTIONAL


@pytest.mark.parametrize("declared", sorted(OPTIONAL), ids=str)
def test_what_is_declared_is_not_told(declared: Capability) -> None:
    """Only the others are."""
    assert run(probed(Silent(declared))) == OPTIONAL - {declared}


def test_what_is_missing_pretends_refuses_or_hangs_is_not_found() -> None:
    """An operation must do something to be told."""
    assert run(probed(Bare())) == set()
