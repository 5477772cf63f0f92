"""A backend that goes away from one provider and comes back, whatever kind of backend it is.

A server has a proxy before it, so that the rest of the test still reaches it. Files are locked
by another process, for everybody. An adapter that needs neither keeps its jobs where the kit
has no hold on them: then a test of this kind can't tell.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio

from nq_conformance.adapters import Setting
from nq_conformance.clock import Budget
from nq_conformance.faults import LockedFiles, Proxy
from nq_conformance.lab import Lab, ManagerUnderTest, Queue
from nq_conformance.violation import Inconclusive, Violation

BOUND = Budget("outage", 25_000, "a call returns or raises while the backend is away")
RECONNECT = Budget("reconnect", 10_000, "an adapter works again after it was told that a connection broke")
RECOVER = Budget("recover", 30_000, "an adapter finds out that a connection is dead, and works again")
REPORT = Budget("report", 45_000, "somebody is told that a backend is away")
_folders = itertools.count(1)


class Outage:
    """What a test can do to the backend. ``setting`` suffers, ``beside`` is the same place without.

    ``is_server`` tells that what is done reaches ``setting`` alone, and that nothing passes.
    """

    def __init__(self, lab: Lab, setting: Setting, beside: Setting, fault: Proxy | LockedFiles) -> None:
        self.setting = setting
        self.beside = beside
        self._lab = lab
        self._fault = fault
        self._one_at_a_time = anyio.Lock()

    @property
    def is_server(self) -> bool:
        """Whether there is a connection to break."""
        return isinstance(self._fault, Proxy)

    @property
    def refused(self) -> int:
        """How many connections were refused so far; 0 where there are none."""
        return self._fault.refused if isinstance(self._fault, Proxy) else 0

    async def begin(self) -> None:
        """The backend is gone: connections are reset and refused, files are locked."""
        self._tell("the backend goes away")
        await (self._fault.go_down() if isinstance(self._fault, Proxy) else self._fault.lock())

    async def silence(self) -> None:
        """The backend answers nothing and closes nothing; files are locked."""
        self._tell("the backend falls silent")
        if isinstance(self._fault, Proxy):
            self._fault.fall_silent()
        else:
            await self._fault.lock()

    async def end(self) -> None:
        """It is back."""
        self._tell("the backend is back")
        if isinstance(self._fault, Proxy):
            self._fault.heal()
        else:
            await self._fault.release()

    async def cut(self) -> None:
        """Reset all connections of now; new ones work. Files are locked for a moment."""
        self._tell("the connections are cut")
        if isinstance(self._fault, Proxy):
            await self._fault.cut()
        else:
            await self._lock_for_a_moment(self._fault)

    async def lose_connections(self) -> None:
        """The connections of now go dead without being closed. Files are locked for a moment."""
        self._tell("the connections go dead, and are not closed")
        if isinstance(self._fault, Proxy):
            self._fault.go_half_open()
        else:
            await self._lock_for_a_moment(self._fault)

    def slow_down(self, ms: int) -> None:
        """Hold back whatever travels; files can't."""
        if isinstance(self._fault, Proxy):
            self._fault.slow_down(ms)

    async def noticed(self, times: int = 1) -> None:
        """Wait until the adapter has tried to connect in vain; nothing to wait for with files."""
        wanted = self.refused + times

        async def refused() -> bool:
            return self.refused >= wanted

        if self.is_server:
            await self._lab.eventually(
                refused,
                budget=RECONNECT,
                expected=f"the adapter tries to connect again {times} times while its backend is away",
                seen=lambda: f"{self.refused - wanted + times} tries",
            )

    async def worker(self) -> tuple[Queue, Queue, ManagerUnderTest]:
        """A new queue as the provider that suffers sees it and as one beside it does, and a manager
        of the former."""
        provider = await self._lab.new_provider(setting=self.setting)
        suffering = await self._lab.queue(provider=provider)
        manager = await self._lab.new_manager(provider, setting=self.setting)
        if self.is_server:
            other = await self._lab.provider()
        else:
            other = await self._lab.new_provider(setting=self.beside)
        return suffering, Queue(suffering.name, self._lab, other), manager

    async def _lock_for_a_moment(self, files: LockedFiles) -> None:
        async with self._one_at_a_time:
            await files.lock()
            await files.release()

    def _tell(self, what: str) -> None:
        self._lab.history.add("fault", what)


@asynccontextmanager
async def outage_of(lab: Lab) -> AsyncIterator[Outage]:
    """The means to take the backend away; it is back at the block's end at the latest.

    The test's first provider and manager are made before, so that canaries don't suffer. Raises
    ``Inconclusive`` for an adapter whose backend the kit has no hold on.
    """
    await (lab.manager() if lab.adapter.has_workers else lab.provider())
    if lab.setting.url is not None or lab.setting.dsn is not None:
        proxy, setting = await lab.proxied()
        outage = Outage(lab, setting, lab.setting, proxy)
    elif lab.setting.directory is not None:
        folder = lab.setting.directory / f"outage{next(_folders)}"
        folder.mkdir()
        setting = replace(lab.setting, directory=folder)
        outage = Outage(lab, setting, setting, LockedFiles(folder))
    else:
        queue = await lab.queue()
        id = await queue.add("before")
        lab.equal((await queue.job(id)).data, "before", "data of a job before an outage", jobs=[id])
        raise Inconclusive(
            "the adapter is distributed and yet asks the kit for no service: the kit can't take away "
            "a backend that it does not know"
        )
    try:
        yield outage
    finally:
        await outage.end()


async def outcome(lab: Lab, name: str, call: Callable[[], Awaitable[Any]]) -> tuple[bool, Any]:
    """Make a call that may fail: whether it raised, and its error or result. It must end within
    ``BOUND``."""
    try:
        result = await lab.clock.call(call, f"{name} while the backend is away", BOUND)
    except Violation:
        raise
    except Exception as error:
        lab.history.add("call", name, text=f"!! {type(error).__name__}: {str(error)[:80]}", data=error)
        return True, error
    lab.history.add("call", name, text=f"-> {result!r:.80}", data=result)
    return False, result
