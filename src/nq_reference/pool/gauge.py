"""Reads from a provider what scaling decides by."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from nq_conformance.contract import JobsQuery, JobState, QueueProvider
from nq_reference.pool.policy import Reading

_WAITING: tuple[JobState, ...] = ("waiting",)
_SMOOTHING = 0.3  # the share of the newest measurement in the rate


class QueueGauge:
    """The backlog of ``queues``, paused ones left out, as what waits there needs no worker.

    The rate of a worker comes from how many jobs have ended since the last reading while it was
    busy. Where ended jobs are not kept it stays unknown, and depth and age decide alone.
    """

    def __init__(
        self,
        provider: QueueProvider,
        queues: Sequence[str],
        *,
        monotonic_ms: Callable[[], float] = lambda: time.monotonic() * 1000,
        epoch_ms: Callable[[], float] = lambda: time.time() * 1000,
    ) -> None:
        self._provider = provider
        self._queues = tuple(queues)
        self._monotonic_ms = monotonic_ms
        self._epoch_ms = epoch_ms
        self._ended: tuple[float, int] | None = None
        self._rate: float | None = None

    async def read(self, workers: int) -> Reading:
        """The reading of now, for a pool of ``workers``. Raises what the provider raises."""
        waiting = active = ended = 0
        oldest: float | None = None
        for queue in self._queues:
            counts = await self._provider.get_job_counts(queue)
            ended += counts.completed + counts.failed
            if await self._provider.is_paused(queue):
                continue
            waiting += counts.waiting
            active += counts.active
            if counts.waiting:
                oldest = _later(oldest, await self._age_ms(queue))
        at_ms = self._monotonic_ms()
        self._learn(at_ms, ended, min(workers, active))
        return Reading(at_ms, waiting, active, oldest, self._rate)

    async def _age_ms(self, queue: str) -> float | None:
        first = await self._provider.get_jobs(queue, JobsQuery(state=_WAITING, limit=1))
        return max(self._epoch_ms() - first[0].timestamp, 0.0) if first else None

    def _learn(self, at_ms: float, ended: int, busy: int) -> None:
        before, self._ended = self._ended, (at_ms, ended)
        if before is None or busy == 0 or at_ms <= before[0] or ended <= before[1]:
            return
        rate = (ended - before[1]) / ((at_ms - before[0]) / 1000) / busy
        self._rate = rate if self._rate is None else self._rate + _SMOOTHING * (rate - self._rate)


def _later(one: float | None, other: float | None) -> float | None:
    return max((age for age in (one, other) if age is not None), default=None)
