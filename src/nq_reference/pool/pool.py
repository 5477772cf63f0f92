"""Keeps the right number of worker processes running."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from nq_reference.pool.events import PoolEvent
from nq_reference.pool.policy import Past, Reading, ScalingPolicy, decide
from nq_reference.pool.restarts import RestartPolicy
from nq_reference.pool.seat import Seat

logger = logging.getLogger("nq_reference.pool")


_RESTARTS = RestartPolicy()


class Gauge(Protocol):
    """Where a pool reads its backlog."""

    async def read(self, workers: int) -> Reading:
        """The backlog of now, for a pool of ``workers``."""
        ...


class WorkerPool:
    """Runs ``command`` in as many processes as ``policy`` decides by what ``gauge`` reads.

    - ``gauge``: without one the pool stays at ``policy.min_workers``, or at ``max_workers`` if the
      minimum is 0.
    - ``look_every_ms``: how often the backlog is read.
    - ``grace_ms``: how long a worker may take to drain when it is stopped, before it is killed.
    - ``on_event``: called with each ``PoolEvent``, on the pool's event loop; must not raise.

    A process that ends by itself, with whatever code, has crashed: it is started again by ``restarts``.
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
        self._look_every_s = look_every_ms / 1000
        self._env = env
        self._tell = on_event
        self._seats: list[Seat] = []
        self._started = 0
        self._stopping = anyio.Event()

    @property
    def size(self) -> int:
        """How many workers there should be now."""
        return len(self._seats)

    @property
    def pids(self) -> Sequence[int]:
        """The processes that run now."""
        return [seat.pid for seat in self._seats if seat.pid is not None]

    def stop(self) -> None:
        """Have ``run`` drain all workers and return. Idempotent."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until ``stop``, then let all workers drain. When cancelled, kill them."""
        async with anyio.create_task_group() as workers:
            try:
                self._resize(workers, self._policy.min_workers or self._smallest)
                self._tell(PoolEvent("pool.started", data={"workers": self.size}))
                await self._watch(workers)
            finally:
                self._tell(PoolEvent("pool.stopping", data={"workers": self.size}))
                for seat in self._seats:
                    seat.leave()
                self._seats.clear()
        self._tell(PoolEvent("pool.stopped"))

    @property
    def _smallest(self) -> int:
        return 0 if self._gauge is not None else self._policy.max_workers

    async def _watch(self, workers: TaskGroup) -> None:
        past = Past()
        while not self._stopping.is_set():
            if self._gauge is not None:
                past = await self._look(self._gauge, workers, past)
            with anyio.move_on_after(self._look_every_s if self._gauge is not None else math.inf):
                await self._stopping.wait()

    async def _look(self, gauge: Gauge, workers: TaskGroup, past: Past) -> Past:
        try:
            reading = await gauge.read(self.size)
        except Exception as error:
            self._tell(PoolEvent("gauge.failed", data={"error": repr(error)}))
            return past
        before = self.size
        decision, past = decide(self._policy, before, reading, past)
        if decision.workers != before:
            self._resize(workers, decision.workers)
            data = {"workers": decision.workers, "before": before, "reason": decision.reason}
            data |= {"waiting": reading.waiting, "active": reading.active}
            self._tell(PoolEvent("pool.scaled", data=data))
        return past

    def _resize(self, workers: TaskGroup, size: int) -> None:
        while len(self._seats) < size:
            self._started += 1
            seat = Seat(self._started, self._command, self._env, self._restarts, self._grace_s, self._tell)
            self._seats.append(seat)
            workers.start_soon(seat.run)
        while len(self._seats) > size:
            self._seats.pop().leave()
