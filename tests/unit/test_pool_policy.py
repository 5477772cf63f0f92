"""How many workers a backlog asks for, by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nq_reference.pool import Past, Reading, RestartPolicy, ScalingPolicy, decide

POLICY = ScalingPolicy(min_workers=1, max_workers=8, target_ms=5_000, cool_down_ms=30_000)
SLOTS = 2


def backlog(waiting: int, active: int) -> Reading:
    """What a gauge reads at first, of one queue."""
    return Reading("q", waiting, active, slots=SLOTS)


def simulate(
    policy: ScalingPolicy, arrivals: Callable[[int], float], *, seconds: int, rate: float = 2.0
) -> list[tuple[int, float]]:
    """Workers and backlog, second by second, of a pool whose workers end ``rate`` jobs a second each.

    The age of the oldest job is what first in, first out makes it.
    """
    workers, past, arrived, ended = policy.min_workers, Past(), [0.0], 0.0
    course = []
    for second in range(seconds):
        arrived.append(arrived[-1] + arrivals(second))
        served = min(arrived[-1] - ended, workers * rate)
        ended += served
        waiting = arrived[-1] - ended
        came = next((n for n, total in enumerate(arrived) if total > ended + 1e-6), None)
        age = None if came is None else (second + 1 - came) * 1000
        active = math.ceil(served / rate * SLOTS)
        reading = Reading("q", math.ceil(waiting - 1e-6), active, SLOTS, age, rate / SLOTS)
        decision, past = decide(policy, workers, second * 1000, [reading], past)
        workers = decision.workers
        course.append((workers, waiting))
    return course


def sizes(course: list[tuple[int, float]]) -> list[int]:
    return [workers for workers, _ in course]


def turns(numbers: list[int]) -> int:
    """How often the size went the other way."""
    steps = [after - before for before, after in pairwise(numbers) if after != before]
    return sum(1 for one, other in pairwise(steps) if (one > 0) != (other > 0))


def test_an_idle_pool_stays_at_the_minimum() -> None:
    """For as long as nothing comes."""
    assert set(sizes(simulate(POLICY, lambda _: 0, seconds=300))) == {1}


def test_a_steady_load_is_met_and_the_size_settles() -> None:
    """Ten jobs a second need five workers of two jobs a second, and a quarter more for room."""
    course = simulate(POLICY, lambda _: 10, seconds=600)
    settled = course[-120:]
    assert {workers for workers, _ in settled} <= {5, 6, 7}
    assert max(backlog for _, backlog in settled) <= 10 * POLICY.target_ms / 1000
    assert turns(sizes(course)) <= 1


def test_a_burst_grows_the_pool_by_doubling_and_it_shrinks_after_the_cool_down() -> None:
    """Bounds hold; nobody is stopped before the cool-down is over."""
    course = simulate(POLICY, lambda second: 200 if second == 10 else 0, seconds=300)
    seen = sizes(course)
    assert max(seen) == POLICY.max_workers
    assert all(after <= 2 * before for before, after in pairwise(seen))
    drained = next(n for n, (_, backlog) in enumerate(course) if n > 10 and backlog == 0)
    first_in = next(n for n, (before, after) in enumerate(pairwise(seen)) if after < before)
    assert first_in >= drained + POLICY.cool_down_ms / 1000 - POLICY.target_ms / 1000
    assert seen[-1] == POLICY.min_workers
    assert turns(seen) == 1


@pytest.mark.parametrize("hysteresis", [0.25, 0])
def test_a_load_that_hovers_between_two_sizes_does_not_flap(hysteresis: float) -> None:
    """It swings by a fifth, each time for longer than the cool-down: without hysteresis the size follows."""
    policy = replace(POLICY, hysteresis=hysteresis)
    swings = [turns(sizes(simulate(policy, hovering(apart), seconds=3_600))[600:]) for apart in (60, 90)]
    assert (swings == [0, 0]) == (hysteresis > 0)


def hovering(apart: int) -> Callable[[int], float]:
    return lambda second: 8 if second // apart % 2 else 10


def test_a_patient_pool_works_a_burst_off_with_fewer() -> None:
    """By the target, in about which both end what there is."""
    most = {}
    for target_s in (10, 50):
        policy = replace(POLICY, target_ms=target_s * 1_000)
        course = simulate(policy, lambda second: 200 if second == 10 else 0, seconds=120)
        most[target_s] = max(sizes(course))
        ended = next(n for n, (_, backlog) in enumerate(course) if n > 10 and backlog == 0)
        assert ended - 10 <= 2 * target_s
    assert most[50] < most[10]


def test_a_job_that_waits_too_long_asks_for_one_more_whatever_the_rate_promises() -> None:
    """The rate is an average; slow jobs may be in front."""
    reading = Reading("q", waiting=4, active=3, slots=SLOTS, oldest_age_ms=6_000, rate=100.0)
    decision, _ = decide(POLICY, 2, 0, [reading], Past())
    assert (decision.workers, decision.reason) == (3, "age of q")


def test_no_more_workers_are_asked_for_than_have_something_to_do() -> None:
    """However long the last job has waited: nobody may be able to run it."""
    reading = Reading("q", waiting=1, active=3, slots=SLOTS, oldest_age_ms=60_000, rate=1.0)
    assert decide(POLICY, 2, 0, [reading], Past())[0].workers == 2


def test_a_backlog_that_ends_within_the_target_needs_nobody_more() -> None:
    """Though all slots are busy: four workers end 16 jobs a second, and 40 wait."""
    reading = Reading("q", waiting=40, active=8, slots=SLOTS, oldest_age_ms=2_000, rate=2.0)
    assert decide(POLICY, 4, 0, [reading], Past())[0].workers == 4
    hasty = replace(POLICY, target_ms=1_000)
    assert decide(hasty, 4, 0, [replace(reading, oldest_age_ms=900)], Past())[0].workers == 8


def test_without_a_rate_there_is_a_slot_for_every_job() -> None:
    """As far as doubling and the bounds allow."""
    decision, _ = decide(POLICY, 4, 0, [backlog(9, 1)], Past())
    assert (decision.workers, decision.reason) == (5, "depth of q")


def test_the_queue_that_asks_for_most_decides() -> None:
    """A worker serves all queues side by side, so that slots of one are none of the other."""
    queues = [backlog(0, 0), Reading("narrow", 6, 1, slots=1), Reading("wide", 90, 10, slots=50)]
    decision, _ = decide(POLICY, 4, 0, queues, Past())
    assert (decision.workers, decision.reason) == (7, "depth of narrow")


def test_new_workers_get_going_before_more_are_started() -> None:
    """Their start takes a while, in which the backlog still grows."""
    first, past = decide(POLICY, 1, 0, [backlog(50, 2)], Past())
    second, past = decide(POLICY, first.workers, 1_000, [backlog(60, 2)], past)
    third, _ = decide(POLICY, second.workers, 3_000, [backlog(60, 4)], past)
    assert [first.workers, second.workers, third.workers] == [2, 2, 4]


def test_a_pool_out_of_its_bounds_is_brought_back_at_once() -> None:
    """As after a change of the configuration."""
    assert decide(POLICY, 12, 0, [backlog(0, 0)], Past())[0].workers == POLICY.max_workers
    assert decide(POLICY, 0, 0, [backlog(0, 0)], Past())[0].workers == POLICY.min_workers


@given(
    loads=st.lists(st.integers(0, 50), min_size=1, max_size=12),
    rate=st.floats(0.1, 20),
    bounds=st.tuples(st.integers(0, 4), st.integers(1, 12)),
)
def test_the_bounds_hold_and_a_backlog_never_meets_an_idle_pool(
    loads: list[int], rate: float, bounds: tuple[int, int]
) -> None:
    """Whatever comes, in stretches of half a minute each."""
    policy = ScalingPolicy(min_workers=min(bounds), max_workers=max(bounds))
    course = simulate(policy, lambda second: loads[second // 30], seconds=30 * len(loads), rate=rate)
    assert all(policy.min_workers <= workers <= policy.max_workers for workers, _ in course)
    for (workers, _), (_, backlog) in pairwise(course):
        assert workers > 0 or backlog <= max(loads)


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_workers": 3, "max_workers": 2},
        {"min_workers": -1},
        {"min_workers": 0, "max_workers": 0},
        {"target_ms": 0},
        {"hysteresis": -0.1},
        {"cool_down_ms": -1},
    ],
)
def test_a_policy_that_means_nothing_is_refused(wrong: dict[str, float]) -> None:
    """The message names the value."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ScalingPolicy(**wrong)  # type: ignore[arg-type]


def test_restarts_come_at_once_and_then_ever_later() -> None:
    """Up to the longest delay."""
    policy = RestartPolicy(first_ms=500, most_ms=4_000)
    assert [policy.delay_ms(n) for n in (1, 2, 3, 4, 5, 6, 2_000)] == [
        0,
        500,
        1_000,
        2_000,
        4_000,
        4_000,
        4_000,
    ]
