"""How many workers a backlog asks for. Pure: no clock, no process, no queue.

The rule in words: enough workers to start every job within the target, as far as the bounds
allow; more of them at once, fewer only after a while in which no more were needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """Bounds and temper of a pool.

    - ``min_workers``, ``max_workers``: the bounds; equal ones mean a pool of fixed size. A minimum
      of 0 is for queues without delayed jobs and schedules: it is workers who see that they are due.
    - ``target_ms``: how long a job may wait for its start.
    - ``hysteresis``: the share of room that must be left over after a scale-in, so that a load
      that hovers between two sizes does not start and stop a worker again and again.
    - ``cool_down_ms``: how long fewer workers must have sufficed before any is stopped; also the
      least time between two scale-ins.
    - ``out_cool_down_ms``: the least time between two scale-outs, in which new workers get going.

    Raises ``ValueError`` for bounds below 0, in the wrong order, and other values that mean nothing.
    """

    min_workers: int = 1
    max_workers: int = 1
    target_ms: int = 5_000
    hysteresis: float = 0.25
    cool_down_ms: int = 30_000
    out_cool_down_ms: int = 3_000

    def __post_init__(self) -> None:
        if not 0 <= self.min_workers <= self.max_workers or self.max_workers < 1:
            raise ValueError(
                "a pool needs 0 <= min_workers <= max_workers and max_workers >= 1, "
                f"not min_workers={self.min_workers} and max_workers={self.max_workers}"
            )
        if self.target_ms < 1:
            raise ValueError(f"target_ms must be at least 1, not {self.target_ms}")
        for name in ("hysteresis", "cool_down_ms", "out_cool_down_ms"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative: {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Reading:
    """One queue at one moment; nothing waits in one that is paused.

    ``slots`` is how many of its jobs one worker runs at a time, ``rate`` how many jobs a busy slot
    ends in a second, ``None`` while nobody knows. ``oldest_age_ms`` is how long the job has waited
    that was there first, ``None`` if none waits or nobody knows.
    """

    queue: str
    waiting: int
    active: int
    slots: int = 1
    oldest_age_ms: float | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What a decision has to know of those before: sizes that were asked for lately, with their
    times, and when the pool last grew and shrank."""

    asked: tuple[tuple[float, int], ...] = ()
    grew_at_ms: float = -math.inf
    shrank_at_ms: float = -math.inf


@dataclass(frozen=True, slots=True)
class Decision:
    """The number of workers from now on, and why."""

    workers: int
    reason: str


def decide(
    policy: ScalingPolicy, workers: int, at_ms: float, queues: Sequence[Reading], past: Past
) -> tuple[Decision, Past]:
    """The next size of a pool of ``workers``, and the past for the next decision.

    ``at_ms`` is of any clock that only goes on. As each worker serves all ``queues`` side by side,
    the queue that asks for most decides.
    """
    wants = [_asked(policy, workers, queue) for queue in queues]
    asked, why = max(wants, key=lambda want: want[0], default=(policy.min_workers, "idle"))
    past = replace(past, asked=_lately(policy, past, at_ms, asked))
    bounded = min(max(workers, policy.min_workers), policy.max_workers)
    if bounded != workers:
        return Decision(bounded, "bounds"), replace(past, grew_at_ms=at_ms)
    if asked > workers:
        return _out(policy, workers, asked, why, at_ms, past)
    return _in(policy, workers, at_ms, queues, past)


def _asked(policy: ScalingPolicy, workers: int, queue: Reading) -> tuple[int, str]:
    """The size that one queue asks for, within the bounds, and why."""
    asked, why = _for_load(policy, queue, room=0)
    if (queue.oldest_age_ms or 0) > policy.target_ms and asked <= workers < _slots_full(queue):
        asked, why = workers + 1, "age"  # whatever the rate promises, jobs do wait too long
    return min(max(asked, policy.min_workers), policy.max_workers), f"{why} of {queue.queue}"


def _for_load(policy: ScalingPolicy, queue: Reading, room: float) -> tuple[int, str]:
    """Workers for what runs and for ending what is there within the target, with a share of ``room``."""
    by_depth = float(queue.waiting + queue.active)  # slots beyond that would stand idle
    by_rate = math.inf
    if queue.rate:
        by_rate = max(queue.active, by_depth / (queue.rate * policy.target_ms / 1000))
    why = "rate" if by_rate < by_depth else "depth"
    return math.ceil(min(by_rate, by_depth) / queue.slots * (1 + room)), why


def _slots_full(queue: Reading) -> int:
    """How many workers have something to do."""
    return math.ceil((queue.waiting + queue.active) / queue.slots)


def _lately(policy: ScalingPolicy, past: Past, at_ms: float, asked: int) -> tuple[tuple[float, int], ...]:
    """What was asked within the cool-down, with the last value before it, which held until then."""
    kept = [*past.asked, (at_ms, asked)]
    while len(kept) > 1 and kept[1][0] <= at_ms - policy.cool_down_ms:
        del kept[0]
    return tuple(kept)


def _out(
    policy: ScalingPolicy, workers: int, asked: int, why: str, at_ms: float, past: Past
) -> tuple[Decision, Past]:
    if at_ms - past.grew_at_ms < policy.out_cool_down_ms:
        return Decision(workers, "new workers get going"), past
    size = min(asked, max(2 * workers, 1))  # a burst that is over at once should not start them all
    return Decision(size, why), replace(past, grew_at_ms=at_ms)


def _in(
    policy: ScalingPolicy, workers: int, at_ms: float, queues: Sequence[Reading], past: Past
) -> tuple[Decision, Past]:
    roomy = (_for_load(policy, queue, room=policy.hysteresis)[0] for queue in queues)
    needed = max(*roomy, *(asked for _, asked in past.asked), policy.min_workers)
    if needed >= workers:
        return Decision(workers, "enough"), past
    began = past.asked[0][0]
    quiet_ms = at_ms - max(began, past.grew_at_ms, past.shrank_at_ms)
    if quiet_ms < policy.cool_down_ms:
        return Decision(workers, "cool-down"), past
    return Decision(needed, "idle"), replace(past, shrank_at_ms=at_ms)
