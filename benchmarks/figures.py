"""What is measured: the figures, their units, how many jobs each takes. No measuring here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Backend = Literal["redis", "memory"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. ``jobs`` is how many a measurement takes, by backend; of ``rate`` figures
    more is better, of latencies (milliseconds) less."""

    id: str
    title: str
    jobs: dict[Backend, int]
    concurrency: int = 0
    rate: bool = True


ENQUEUE_ONE = Figure("enqueue_one", "one by one", {"redis": 3_000, "memory": 20_000})
ENQUEUE_TOGETHER = Figure("enqueue_together", "100 together", {"redis": 6_000, "memory": 20_000})
DRAIN_10 = Figure("drain_10", "drain, 10 at once", {"redis": 5_000, "memory": 30_000}, 10)
DRAIN_100 = Figure("drain_100", "drain, 100 at once", {"redis": 5_000, "memory": 30_000}, 100)
LATENCY = Figure("latency", "idle to start", {"redis": 100, "memory": 200}, 10, rate=False)

FIGURES = (ENQUEUE_ONE, ENQUEUE_TOGETHER, DRAIN_10, DRAIN_100, LATENCY)
BY_ID = {figure.id: figure for figure in FIGURES}

TOGETHER = 100
"""How many enqueues are awaited together."""
WARM_UP = 100
"""How many jobs are enqueued before the clock starts."""
LATENCY_WARM_UP = 10
LATENCY_GAP_S = 0.03
"""How long the queue lies idle before the next job whose latency is taken."""
