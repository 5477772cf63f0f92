"""Our own adapters, whatever the backend."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.systems.protocol import Hit, Place
from benchmarks.tally import RESULT
from nq_conformance.contract import JobInput, RunContext, WorkerOptions
from nq_reference.providers.base import SourceProvider


class Nq:
    """A provider and the manager made by it, with the default options but for concurrency."""

    together = True

    def provider(self, place: Place) -> SourceProvider:
        """The provider to measure."""
        raise NotImplementedError

    async def setup(self, place: Place, hit: Hit) -> None:
        """Connect."""
        self._place = place
        self._hit = hit
        self._provider = self.provider(place)
        await self._provider.init()

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Call ``enqueue``."""
        await self._provider.enqueue("jobs", JobInput("send", job))

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Gather calls of ``enqueue``."""
        await asyncio.gather(*(self._provider.enqueue("jobs", JobInput("send", job)) for job in jobs))

    async def start_worker(self) -> None:
        """Register the handler."""
        hit = self._hit

        async def send(data: Any, ctx: RunContext) -> bool:
            del ctx
            hit(data["sent"])
            return RESULT

        options = WorkerOptions(concurrency=self._place.concurrency)
        await self._provider.worker_manager().register_worker("jobs", "send", send, options)

    async def close(self) -> None:
        """Close the provider, which closes its managers."""
        await self._provider.close()
