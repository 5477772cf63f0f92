"""The adapter's instances by number, and what one sequence has of them: their calls go into its script."""

from __future__ import annotations

from typing import Final

from nq_conformance.lab import Lab, ManagerUnderTest, ProviderUnderTest, Queue, Recorder
from nq_conformance.model.script import Script

_NAMES: Final = ("provider", "other")
"""What they are called in a script."""


class Instances:
    """Opens each instance when it is first asked for; it stays open for the sequences after that."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._open: dict[int, ProviderUnderTest] = {}

    async def get(self, number: int) -> ProviderUnderTest:
        """The instance of this number."""
        if number not in self._open:
            self._open[number] = await self.lab.new_provider()
        return self._open[number]

    async def close_all(self) -> None:
        """Close all that are open; each is opened again when it is asked for."""
        providers = [*self._open.values()]
        self._open.clear()
        for provider in providers:
            await provider.close()


class Session:
    """One sequence's use of the instances. Its worker manager belongs to the first, and ends with it."""

    def __init__(self, instances: Instances, script: Script, canary: str) -> None:
        self._instances = instances
        self._script = script
        self._told: set[int] = set()
        self._manager: ManagerUnderTest | None = None
        self._canary_name = canary
        self._canary: tuple[Queue, Recorder] | None = None

    async def instance(self, number: int) -> tuple[str, ProviderUnderTest]:
        """The instance of this number, and its name in the script."""
        if number not in self._told:
            self._told.add(number)
            self._script.opens(_NAMES[number])
        return _NAMES[number], await self._instances.get(number)

    async def manager(self) -> ManagerUnderTest:
        """The first instance's manager."""
        if self._manager is None:
            _, provider = await self.instance(0)
            self._script.add("manager = adapter.worker_manager(provider, setting)")
            self._manager = await self._instances.lab.new_manager(provider)
        return self._manager

    async def reopen(self) -> None:
        """Close all that is open; it is opened again when it is asked for."""
        if self._manager is not None:
            self._script.add("await manager.close_all()")
            await self._manager.close_all()
        self._script.add(*(f"await {_NAMES[number]}.close()" for number in sorted(self._told)))
        await self._instances.close_all()
        self._manager = self._canary = None
        self._told.clear()

    async def canary(self) -> None:
        """Run a job on another queue to its end: what has not happened then had its chance."""
        lab = self._instances.lab
        if self._canary is None:
            manager = await self.manager()
            queue = await lab.queue(self._canary_name, await self._instances.get(0))
            handler = lab.handler(name="canary")
            await queue.work(handler, manager=manager)
            self._canary = (queue, handler)
        queue, handler = self._canary
        before = len(handler.ended)
        await queue.add({"n": "canary"})
        await handler.finished(before + 1)

    async def end(self) -> None:
        """Close the manager; raises what that raises."""
        if self._manager is not None:
            await self._manager.close_all()
