"""The adapter's instances of one sequence, by number, and their worker manager."""

from __future__ import annotations

from typing import Final

from nq_conformance.lab import Lab, ManagerUnderTest, ProviderUnderTest, Queue, Recorder
from nq_conformance.model.script import Script

_NAMES: Final = ("provider", "other")
"""What they are called in a script."""


class Instances:
    """Opens each instance when it is first asked for. The manager belongs to the first."""

    def __init__(self, lab: Lab, script: Script) -> None:
        self._lab = lab
        self._script = script
        self._providers: dict[int, ProviderUnderTest] = {}
        self._manager: ManagerUnderTest | None = None
        self._canary: tuple[Queue, Recorder] | None = None

    async def instance(self, number: int) -> tuple[str, ProviderUnderTest]:
        """The instance of this number, and its name in a script."""
        name = _NAMES[number]
        if number not in self._providers:
            self._script.opens(name)
            self._providers[number] = await self._lab.new_provider()
        return name, self._providers[number]

    async def manager(self) -> ManagerUnderTest:
        """The first instance's manager."""
        if self._manager is None:
            _, provider = await self.instance(0)
            self._script.add("manager = adapter.worker_manager(provider, setting)")
            self._manager = await self._lab.new_manager(provider)
        return self._manager

    async def reopen(self) -> None:
        """Close all that is open; it is opened again when it is asked for."""
        if self._manager is not None:
            self._script.add("await manager.close_all()")
            await self._manager.close_all()
        for number, provider in self._providers.items():
            self._script.add(f"await {_NAMES[number]}.close()")
            await provider.close()
        self._manager = self._canary = None
        self._providers.clear()

    async def canary(self) -> None:
        """Run a job on another queue to its end: what has not happened then had its chance."""
        if self._canary is None:
            manager = await self.manager()
            queue = await self._lab.queue("canary", self._providers[0])
            handler = self._lab.handler(name="canary")
            await queue.work(handler, manager=manager)
            self._canary = (queue, handler)
        queue, handler = self._canary
        before = len(handler.ended)
        await queue.add({"n": "canary"})
        await handler.finished(before + 1)
