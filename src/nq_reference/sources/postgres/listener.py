"""One connection that listens for all queues of a source, and the leases that go with listening.

The server notifies, and keeps events, only while somebody has a lease on the queue. Leases are
renewed on the very connection that listens, with a bound on the answer: so a connection that is
dead without having said so is found out, and made anew (FLT-03). After each new one everybody is
rung, since what was sent meanwhile is lost; and between two renewals lies the poll that stands
behind every notification.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from nq_reference import background
from nq_reference.sources.postgres.connections import Access, Connections
from nq_reference.sources.postgres.statements import Statements

_log = logging.getLogger("nq_reference.postgres")
LEASE_MS = 120_000
EVENT_LIFE_MS = 300_000
"""How long events are kept for subscribers that are cut off or slow."""
Ring = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """``listen`` False is for poolers: then there is only the poll, every ``poll_ms``."""

    listen: bool
    poll_ms: int


class Listener:
    """Rings those that wait for work or for events on a queue. Runs while there are any."""

    def __init__(
        self, access: Access, connections: Connections, statements: Statements, rhythm: Rhythm
    ) -> None:
        self._access = access
        self._connections = connections
        self._statements = statements
        self._rhythm = rhythm
        self._work: dict[str, list[Ring]] = {}
        self._events: dict[str, list[Ring]] = {}
        self._new: set[str] = set()  # queues whose watches have no lease yet
        self._stir = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def watch(self, queue: str, ring: Ring) -> None:
        """Ring for new work from now on; for the first time when none can be missed any more."""
        self._work.setdefault(queue, []).append(ring)
        self._new.add(queue)
        self._start()

    def unwatch(self, queue: str, ring: Ring) -> None:
        """The end of ``watch``."""
        _take_out(self._work, queue, ring)

    def hear(self, queue: str, ring: Ring) -> None:
        """Ring for new events. The lease is the caller's to begin with, see ``join``."""
        self._events.setdefault(queue, []).append(ring)
        self._start()

    def unhear(self, queue: str, ring: Ring) -> None:
        """The end of ``hear``."""
        _take_out(self._events, queue, ring)

    async def join(self, queue: str) -> int:
        """Have events of ``queue`` kept from now on; a number that each later one exceeds (EVT-10)."""
        rows = await self._connections.fetch(self._statements.verb("attend"), *self._lease([], [queue], True))
        return int(rows[0][0])

    async def close(self) -> None:
        """Stop listening and let the connection go. Idempotent."""
        self._closed = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def _start(self) -> None:
        self._stir.set()
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._run(), name="nq-listener")

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                if self._rhythm.listen:
                    await self._listen(failures)
                else:
                    await self._poll()
                failures = 0  # it went on for a while
            except Exception as error:  # whatever it is, listening must go on
                pause_s = background.pause_after(failures)
                failures += 1
                _log.warning("listening for notifications failed, next try in %.1f s: %r", pause_s, error)
                await asyncio.sleep(pause_s)
                self._ring_all()  # better that they look for themselves than that they wait in vain

    async def _poll(self) -> None:
        while True:
            await self._attend(self._connections.fetch)
            self._ring_all()
            self._stir.clear()
            await self._rest()

    async def _listen(self, failures: int) -> None:
        """Listen until the connection is gone; returns if that was after at least one renewal."""
        connection = await self._access.connect()
        renewals = 0
        try:
            connection.add_termination_listener(lambda _: self._stir.set())
            await connection.add_listener(self._statements.channel, self._heard)
            if failures:
                _log.info("listening for notifications again")
            self._new.update(self._work)
            while not connection.is_closed():
                self._stir.clear()

                async def fetch(sql: str, *args: object) -> list[Any]:
                    rows: list[Any] = await connection.fetch(sql, *args, timeout=self._access.timeout_s)
                    return rows

                await self._attend(fetch)
                self._ring_events()
                renewals += 1
                await self._rest()
        finally:
            connection.terminate()
        if renewals < 2:
            raise asyncpg.ConnectionDoesNotExistError("the connection was closed by the server")

    async def _attend(self, fetch: Callable[..., Any]) -> None:
        """Take leases where there are none yet, renew the others, ring the new ones."""
        new, self._new = self._new, set()
        verb = self._statements.verb("attend")
        try:
            if new:
                await fetch(verb, *self._lease(sorted(new), [], True))
            await fetch(verb, *self._lease(list(self._work), list(self._events), False))
        except BaseException:
            self._new |= new
            raise
        for queue in new:
            _ring(self._work, queue)

    def _lease(self, watched: list[str], heard: list[str], joining: bool) -> tuple[object, ...]:
        return (watched, heard, LEASE_MS, EVENT_LIFE_MS, joining)

    async def _rest(self) -> None:
        """Until somebody new comes, the connection is lost, or it is time to look again."""
        try:
            async with asyncio.timeout(self._rhythm.poll_ms / 1000):
                await self._stir.wait()
        except TimeoutError:
            pass

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        _ring(self._work if payload[:1] == "w" else self._events, payload[1:])

    def _ring_all(self) -> None:
        for queue in tuple(self._work):
            _ring(self._work, queue)
        self._ring_events()

    def _ring_events(self) -> None:
        for queue in tuple(self._events):
            _ring(self._events, queue)


def _ring(waiting: dict[str, list[Ring]], queue: str) -> None:
    for ring in tuple(waiting.get(queue, ())):
        ring()


def _take_out(waiting: dict[str, list[Ring]], queue: str, ring: Ring) -> None:
    rings = waiting.get(queue, [])
    if ring in rings:
        rings.remove(ring)
    if not rings:
        waiting.pop(queue, None)
