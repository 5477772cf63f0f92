"""A server that stops and starts: one of a test's own, so that nobody else has to do without.

It is of the kind that the run has. What it holds is there again when it is back, and all that it
knew by heart is not: scripts, prepared statements, subscriptions, sessions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio

from nq_conformance.adapters import Service
from nq_conformance.services import (
    RunningService,
    ServiceError,
    Switch,
    start_lasting_postgres,
    start_lasting_redis,
)
from nq_conformance.services.errors import UnavailableError
from nq_conformance.violation import Inconclusive

T = TypeVar("T")
_START: Mapping[Service, Callable[[str], RunningService]] = {
    Service.REDIS: start_lasting_redis,
    Service.POSTGRES: start_lasting_postgres,
}


class OwnServer:
    """A server at ``url`` that a test may stop and start."""

    def __init__(self, url: str, switch: Switch) -> None:
        self.url = url
        self._switch = switch
        self._running = True

    async def stop(self) -> None:
        """End it in order, as a deployment does; raises ``Inconclusive`` if it does not end."""
        await _carried_out(self._switch.off)
        self._running = False

    async def start(self) -> None:
        """Run it again, and return when it answers. Idempotent; raises ``Inconclusive`` if it won't."""
        if not self._running:
            await _carried_out(self._switch.on)
            self._running = True


@asynccontextmanager
async def own_server(service: Service, kind: str | None) -> AsyncIterator[OwnServer]:
    """A server of this kind (container, local, embedded), which runs again, and is then ended, when
    the block ends.

    Raises ``Inconclusive`` where the kit has none of its own: it is given by a URL, or an imitation.
    """
    if kind not in ("container", "local", "embedded"):
        raise Inconclusive(
            f"not available: the run's {service.value} server is not the kit's to stop ({kind or 'none'}); "
            f"--nq-{service.value}=container, local or embedded lets it start one"
        )
    running = await _carried_out(lambda: _START[service](kind))
    try:
        assert running.switch is not None
        yield OwnServer(running.info.url, running.switch)
    finally:
        with anyio.CancelScope(shield=True):
            await _carried_out(running.stop)


async def _carried_out(order: Callable[[], T]) -> T:
    try:
        return await anyio.to_thread.run_sync(order)
    except (ServiceError, UnavailableError) as error:
        raise Inconclusive(f"the server could not be stopped and started: {error}") from error
