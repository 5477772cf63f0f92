"""The adapter in further processes: hosts that a test may kill, freeze and let go on."""

from __future__ import annotations

from collections.abc import Sequence

from nq_conformance.adapters.host.client import Host
from nq_conformance.clock import Clock
from nq_conformance.history import History
from nq_conformance.lab.calls import Calls
from nq_conformance.lab.facade import ManagerUnderTest, ProviderUnderTest


class HostUnderTest:
    """One process with the adapter in it, of the test's own setting. Its first provider and manager
    are made when they are first asked for."""

    def __init__(self, host: Host, name: str, history: History, clock: Clock) -> None:
        self.name = name
        self.raw = host
        host.callbacks.process = name
        self._history = history
        self._calls = Calls(history, clock, where=name)
        self._provider: ProviderUnderTest | None = None
        self._manager: ManagerUnderTest | None = None

    async def new_provider(self, *, init: bool = True) -> ProviderUnderTest:
        """One more provider in this process."""
        provider = ProviderUnderTest(await self.raw.provider(), self._calls)
        if init:
            await provider.init()
        return provider

    async def new_manager(self, provider: ProviderUnderTest) -> ManagerUnderTest:
        """One more manager in this process, for one of its providers."""
        return ManagerUnderTest(await self.raw.manager(provider.raw), self._calls)  # type: ignore[arg-type]

    async def provider(self) -> ProviderUnderTest:
        """The first provider."""
        if self._provider is None:
            self._provider = await self.new_provider()
        return self._provider

    async def manager(self) -> ManagerUnderTest:
        """The first manager, of the first provider."""
        if self._manager is None:
            self._manager = await self.new_manager(await self.provider())
        return self._manager

    @property
    def log(self) -> Sequence[str]:
        """The last lines that the process has written to stderr, or printed."""
        return self.raw.log

    async def kill(self, *, alone: bool = False) -> None:
        """SIGKILL, and wait until the process is gone; ``alone`` spares what it has started."""
        self._tell("killed")
        await self.raw.kill(alone=alone)

    def freeze(self) -> None:
        """SIGSTOP: it stands still, with its connections open."""
        self._tell("frozen")
        self.raw.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self._tell("thawed")
        self.raw.thaw()

    def _tell(self, what: str) -> None:
        self._history.add("fault", what, text=self.name, facts={"process": self.name})
