"""Keeps the right number of worker processes running."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from nq_reference.pool.events import PoolEvent
from nq_reference.pool.policy import Decision, Past, Reading, ScalingPolicy, decide
from nq_reference.pool.restarts import RestartPolicy
from nq_reference.pool.seat import Seat

logger = logging.getLogger("nq_reference.pool")


_RESTARTS = RestartPolicy()


class Gauge(Protocol):
    """Where a pool reads its backlog."""

    async def read(self) -> Sequence[Reading]:
        """The backlog of now, of each queue."""
        ...


class WorkerPool:
    """Runs ``command`` in as many processes as ``policy`` decides by what ``gauge`` reads.

    - ``gauge``: without one the pool stays at ``policy.min_workers``, or at ``max_workers`` if the
      minimum is 0.
    - ``look_every_ms``: how often the backlog is read.
    - ``grace_ms``: how long a worker may take to drain when it is stopped, before it is killed.
    - ``on_event``: called with each ``PoolEvent``, on the pool's event loop; must not raise.

    A process that ends by itself, with whatever code, has crashed: it is started again by ``restarts``.
    One that drains counts no longer: it runs beside the number that the policy allows. Raises
    ``ValueError`` for a ``look_every_ms`` below 1 or a negative ``grace_ms``.
    """

    def __init__(  # noqa: PLR0913 - all but the first two have defaults and are given by name
        self,
        command: Sequence[str],
        policy: ScalingPolicy,
        *,
        gauge: Gauge | None = None,
        restarts: RestartPolicy = _RESTARTS,
        grace_ms: int = 30_000,
        look_every_ms: int = 1_000,
        env: Mapping[str, str] | None = None,
        on_event: Callable[[PoolEvent], None] = lambda event: logger.info("%s", event),
    ) -> None:
        self._command = tuple(command)
        self._policy = policy
        self._gauge = gauge
        self._restarts = restarts
        self._grace_s = grace_ms / 1000
        if look_every_ms < 1:
            raise ValueError(f"look_every_ms must be at least 1, not {look_every_ms}")
        self._look_every_s = look_every_ms / 1000
        self._env = env
        self._tell = on_event
        if grace_ms < 0:
            raise ValueError(f"grace_ms must not be negative: {grace_ms}")
        self._seats: list[Seat] = []
        self._leaving: list[Seat] = []
        self._gauge_error = ""
        self._started = 0
        self._living = anyio.CancelScope()

    @property
    def size(self) -> int:
        """How many workers there should be now."""
        return len(self._seats)

    @property
    def pids(self) -> Sequence[int]:
        """The processes that run now, also those that drain."""
        return [seat.pid for seat in (*self._seats, *self._leaving) if seat.pid is not None]

    def stop(self) -> None:
        """Have ``run`` drain all workers and return. Idempotent."""
        self._living.cancel()

    async def run(self) -> None:
        """Run until ``stop``, then let all workers drain. When cancelled, kill them."""
        async with anyio.create_task_group() as workers:
            try:
                self._resize(workers, self._policy.min_workers or self._smallest)
                self._tell(PoolEvent("pool.started", data={"workers": self.size}))
                await self._watch(workers)
            finally:
                self._tell(PoolEvent("pool.stopping", data={"workers": self.size}))
                while self._seats:
                    self._let_go(self._seats[0])
        self._tell(PoolEvent("pool.stopped"))

    @property
    def _smallest(self) -> int:
        return 0 if self._gauge is not None else self._policy.max_workers

    async def _watch(self, workers: TaskGroup) -> None:
        with self._living:  # a gauge whose server is away must not hold up the end
            past = Past()
            while self._gauge is not None:
                past = await self._look(self._gauge, workers, past)
                await anyio.sleep(self._look_every_s)
            await anyio.sleep_forever()

    async def _look(self, gauge: Gauge, workers: TaskGroup, past: Past) -> Past:
        try:
            readings = await gauge.read()
        except Exception as error:
            if repr(error) != self._gauge_error:  # an outage is told once, not at each look
                self._gauge_error = repr(error)
                self._tell(PoolEvent("gauge.failed", data={"error": repr(error)}))
            return past
        self._gauge_error = ""
        before = self.size
        decision, past = decide(self._policy, before, anyio.current_time() * 1000, readings, past)
        if decision.workers != before:
            self._resize(workers, decision.workers)
            self._tell(PoolEvent("pool.scaled", data=_told(decision, before, readings)))
        return past

    def _resize(self, workers: TaskGroup, size: int) -> None:
        while len(self._seats) < size:
            self._started += 1
            seat = Seat(self._started, self._command, self._env, self._restarts, self._grace_s, self._tell)
            self._seats.append(seat)
            workers.start_soon(self._occupied, seat)
        while len(self._seats) > size:
            self._let_go(next((seat for seat in self._seats if seat.pid is None), self._seats[-1]))

    async def _occupied(self, seat: Seat) -> None:
        try:
            await seat.run()
        finally:
            if seat in self._leaving:
                self._leaving.remove(seat)

    def _let_go(self, seat: Seat) -> None:
        self._seats.remove(seat)
        self._leaving.append(seat)
        seat.leave()


def _told(decision: Decision, before: int, readings: Sequence[Reading]) -> dict[str, object]:
    return {
        "workers": decision.workers,
        "before": before,
        "reason": decision.reason,
        "waiting": sum(reading.waiting for reading in readings),
        "active": sum(reading.active for reading in readings),
    }
