"""Reads from a provider what scaling decides by."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from nq_conformance.contract import Job, JobsQuery, JobState, QueueProvider
from nq_reference.pool.policy import Reading

_WAITING: tuple[JobState, ...] = ("waiting",)
_SMOOTHING = 0.3  # the share of the newest measurement in the rate


class QueueGauge:
    """The backlog of queues; ``slots`` says how many jobs of each one worker runs at a time.

    A paused queue has no backlog, as what waits there needs no worker. Rates come from how many
    jobs have ended since the last reading. Where ended jobs are not kept they stay unknown, and
    depth and age decide alone.

    - ``monotonic_ms``: a clock that only goes on, for rates.
    - ``now_ms``: the backend's time, with which ages are counted; by default that of this machine.
    """

    def __init__(
        self,
        provider: QueueProvider,
        slots: Mapping[str, int],
        *,
        monotonic_ms: Callable[[], float] = lambda: time.monotonic() * 1000,
        now_ms: Callable[[], Awaitable[float]] | None = None,
    ) -> None:
        self._provider = provider
        self._slots = dict(slots)
        self._monotonic_ms = monotonic_ms
        self._now_ms = now_ms or _this_machines_time
        self._rates = {queue: _Rate() for queue in slots}

    async def read(self) -> Sequence[Reading]:
        """A reading of each queue. Raises what the provider raises."""
        now_ms = await self._now_ms()
        return [await self._read(queue, now_ms) for queue in self._slots]

    async def _read(self, queue: str, now_ms: float) -> Reading:
        counts = await self._provider.get_job_counts(queue)
        rate = self._rates[queue].learn(self._monotonic_ms(), counts.completed + counts.failed, counts.active)
        waiting = 0 if await self._provider.is_paused(queue) else counts.waiting
        age = await self._age_ms(queue, now_ms) if waiting else None
        return Reading(queue, waiting, counts.active, self._slots[queue], age, rate)

    async def _age_ms(self, queue: str, now_ms: float) -> float | None:
        first = await self._provider.get_jobs(queue, JobsQuery(state=_WAITING, limit=1))
        began = waits_since(first[0]) if first else None
        return None if began is None else max(now_ms - began, 0.0)


async def _this_machines_time() -> float:
    return time.time() * 1000


def waits_since(job: Job) -> float | None:
    """Since when a job that waits does so, in epoch ms; ``None`` for a retry, whose due time is not kept."""
    return None if job.attempts_made else job.timestamp + (job.opts.delay or 0)


class _Rate:
    """How many jobs a busy slot ends in a second, smoothed."""

    def __init__(self) -> None:
        self._before: tuple[float, int] | None = None
        self._rate: float | None = None

    def learn(self, at_ms: float, ended: int, active: int) -> float | None:
        before, self._before = self._before, (at_ms, ended)
        if before is None or active == 0 or at_ms <= before[0] or ended <= before[1]:
            return self._rate
        rate = (ended - before[1]) / ((at_ms - before[0]) / 1000) / active
        self._rate = rate if self._rate is None else self._rate + _SMOOTHING * (rate - self._rate)
        return self._rate
