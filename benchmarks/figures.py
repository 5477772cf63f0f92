"""What is measured: the figures, their units, how many jobs each takes. No measuring here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Backend = Literal["redis", "postgres", "sqlite", "file", "memory"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. ``jobs`` is how many a measurement takes, by backend; of ``rate`` figures
    more is better, of latencies (milliseconds) less."""

    id: str
    title: str
    jobs: dict[Backend, int]
    concurrency: int = 0
    rate: bool = True


def _jobs(redis: int, postgres: int, disk: int, memory: int) -> dict[Backend, int]:
    return {"redis": redis, "postgres": postgres, "sqlite": disk, "file": disk, "memory": memory}


ENQUEUE_ONE = Figure("enqueue_one", "one by one", _jobs(3_000, 1_500, 3_000, 20_000))
ENQUEUE_TOGETHER = Figure("enqueue_together", "100 together", _jobs(6_000, 3_000, 6_000, 20_000))
DRAIN_10 = Figure("drain_10", "drain, 10 at once", _jobs(5_000, 5_000, 5_000, 30_000), 10)
DRAIN_100 = Figure("drain_100", "drain, 100 at once", _jobs(5_000, 5_000, 5_000, 30_000), 100)
LATENCY = Figure("latency", "idle to start", _jobs(100, 100, 100, 200), 10, rate=False)

FIGURES = (ENQUEUE_ONE, ENQUEUE_TOGETHER, DRAIN_10, DRAIN_100, LATENCY)

TOGETHER = 100
"""How many enqueues are awaited together."""
WARM_UP = 100
"""How many jobs are enqueued before the clock starts."""
LATENCY_WARM_UP = 10
LATENCY_GAP_S = 0.03
"""How long the queue lies idle before the next job whose latency is taken."""


def jobs_for(figure: Figure, backend: Backend, share: float) -> int:
    """How many jobs a system takes for a figure: ``share`` of the usual number, in whole hundreds.

    Of latencies always all: they take no longer where a system is slow.
    """
    if not figure.rate:
        return figure.jobs[backend]
    return max(1, round(figure.jobs[backend] * share / TOGETHER)) * TOGETHER
