"""What ends while a worker is at work: the server itself, or all sessions on it.

Whoever works on a setting of this kind is closed before its server goes for good.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from nq_conformance.adapters import Service, Setting
from nq_conformance.faults import OwnServer, Sessions, own_server, sessions_of
from nq_conformance.lab import Lab, ManagerUnderTest, Queue


@dataclass(frozen=True, slots=True)
class AtWork:
    """A provider's queue and its manager, on a setting that is to suffer."""

    queue: Queue
    manager: ManagerUnderTest


@asynccontextmanager
async def at_work(lab: Lab, setting: Setting) -> AsyncIterator[AtWork]:
    """A new provider and manager on ``setting``, closed at the end; what that raises becomes a note."""
    provider = await lab.new_provider(setting=setting)
    manager = await lab.new_manager(provider, setting=setting)
    try:
        yield AtWork(await lab.queue(provider=provider), manager)
    finally:
        for close in (manager.close_all, provider.close):
            try:
                await close()
            except Exception as error:
                lab.notes.append(f"closing after a fault, {type(error).__name__}: {error}")


@asynccontextmanager
async def restartable(lab: Lab) -> AsyncIterator[tuple[OwnServer, AtWork]]:
    """A server of the test's own, and who works on it. Raises as ``own_server`` does."""
    service = Service(lab.adapter.service)
    async with own_server(service, lab.server_kind) as server:
        where = {"url": server.url} if service is Service.REDIS else {"dsn": server.url}
        async with at_work(lab, replace(lab.setting, **where)) as work:  # type: ignore[arg-type]
            try:
                yield server, work
            finally:
                await server.start()


@asynccontextmanager
async def with_sessions(lab: Lab) -> AsyncIterator[tuple[Sessions, AtWork]]:
    """Sessions that can be ended, and who works by them. Raises as ``sessions_of`` does."""
    async with sessions_of(lab.setting) as sessions, at_work(lab, sessions.setting) as work:
        yield sessions, work


def tell(lab: Lab, what: str) -> None:
    """Put a fault into the history."""
    lab.history.add("fault", what)
