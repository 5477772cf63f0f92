"""The model of a queue: what calls, handlers, workers and time make of it."""

from __future__ import annotations

from functools import partial

import pytest

from nq_conformance.contract import JobOptions
from nq_conformance.model.portrait import of_world
from nq_conformance.model.queue_model import QueueModel, reachable
from nq_conformance.model.shortening import shortened
from nq_conformance.model.steps import Enqueue, Fail, Finish, Pause, Resume, Steps, Wait
from nq_conformance.model.world import ModelJob, World


def settled(model: QueueModel) -> list[dict[object, object]]:
    """What may be seen at rest, without starts and pause."""
    totals = ("starts", "paused")
    return [{k: v for k, v in p.items() if k not in totals} for p in model.allowed()]


def _enqueue(job: ModelJob, world: World) -> World:
    return world.enqueue(job)


def with_jobs(*jobs: ModelJob, concurrency: int = 1) -> QueueModel:
    """A model after the jobs have been enqueued."""
    model = QueueModel(concurrency)
    for job in jobs:
        model.do(partial(_enqueue, job))
        model.accepts(model.allowed()[0])
    return model


def test_one_slot_takes_the_first_of_the_line() -> None:
    """At concurrency 1 the order of enqueue leaves no choice."""
    assert settled(with_jobs(ModelJob(1), ModelJob(2))) == [{1: "active 0", 2: "waiting 0"}]


def test_a_better_priority_is_next() -> None:
    """When the slot is free, a job without a priority goes before an earlier one that has one."""
    model = with_jobs(ModelJob(1), ModelJob(2, priority=2), ModelJob(3))
    model.do(lambda world: world.finish(1))
    assert settled(model) == [{1: "completed 1 -> 1", 2: "waiting 0", 3: "active 0"}]


def test_a_retry_lines_up_behind_those_that_wait() -> None:
    """Without backoff, and not before them."""
    model = with_jobs(ModelJob(1, attempts=2), ModelJob(2))
    model.do(lambda world: world.fail(1))
    assert settled(model) == [{1: "waiting 1", 2: "active 0"}]


def test_the_last_attempt_fails_the_job_with_its_own_reason() -> None:
    """The reason is that of the last attempt."""
    model = with_jobs(ModelJob(1, attempts=2))
    model.do(lambda world: world.fail(1))
    model.accepts(model.allowed()[0])
    model.do(lambda world: world.fail(1))
    assert settled(model) == [{1: "failed 2: attempt 2 failed"}]


def test_nothing_starts_on_a_paused_queue() -> None:
    """A job that is enqueued then waits, and starts after resume."""
    model = QueueModel()
    model.do(World.pause)
    model.do(lambda world: world.enqueue(ModelJob(1)))
    assert settled(model) == [{1: "waiting 0"}]
    model.do(World.resume)
    assert settled(model) == [{1: "active 0"}]


def test_a_short_delay_may_be_over_or_not() -> None:
    """Both are allowed, and with all due only one."""
    model = QueueModel()
    model.do(lambda world: world.enqueue(ModelJob(1, rest="short")))
    assert sorted(p[1] for p in model.allowed()) == ["active 0", "delayed 0"]
    assert [p[1] for p in model.allowed(all_due=True)] == ["active 0"]


def test_a_long_delay_is_never_over() -> None:
    """Not even when everything is due."""
    model = QueueModel()
    model.do(lambda world: world.enqueue(ModelJob(1, rest="long")))
    assert [p[1] for p in model.allowed(all_due=True)] == ["delayed 0"]


def test_a_kept_id_is_not_stored_again_and_a_removed_one_is() -> None:
    """The second enqueue changes nothing; after the removal it does."""
    model = with_jobs(ModelJob(1, id="a", keep_completed=0), ModelJob(2, id="a"))
    assert settled(model) == [{1: "active 0"}]
    model.do(lambda world: world.finish(1))
    model.do(lambda world: world.enqueue(ModelJob(3, id="a")))
    assert settled(model) == [{3: "active 0"}]


def test_the_newest_finished_jobs_are_kept() -> None:
    """The one that ended first goes, whichever was enqueued first."""
    model = with_jobs(ModelJob(1), ModelJob(2, keep_completed=1), concurrency=2)
    model.do(lambda world: world.finish(1))
    model.do(lambda world: world.finish(2))
    assert settled(model) == [{2: "completed 1 -> 2"}]


def test_what_is_seen_narrows_the_model() -> None:
    """And what can't be seen is refused and narrows nothing."""
    model = QueueModel()
    model.do(lambda world: world.enqueue(ModelJob(1, rest="short")))
    assert not model.accepts({1: "failed 0", "starts": 0, "paused": False})
    assert len(reachable(model.worlds)) == 3
    assert model.accepts({1: "active 0", "starts": 1, "paused": False})
    assert [of_world(world)[1] for world in model.worlds] == ["active 0"]


def test_a_move_that_the_life_cycle_does_not_have_is_refused() -> None:
    """A mistake of the model's own."""
    with pytest.raises(ValueError, match="no move 'claim' from completed to active"):
        ModelJob(1, state="completed").moved("claim", "active")


def test_a_failing_sequence_is_made_short_and_plain() -> None:
    """What the failure does not need is left out, steps first and then options."""
    steps: Steps = (
        Wait(),
        Enqueue(job_id="a", attempts=3, priority=1),
        Finish(which=2),
        Pause(via=1),
        Fail(),
    )
    long: Steps = (*steps, Resume(queue=1))

    def fails(tried: Steps) -> Steps | None:
        retried = any(isinstance(s, Enqueue) and s.attempts > 1 for s in tried)
        paused = any(isinstance(s, Pause) for s in tried)
        return tried if retried and paused and isinstance(tried[-1], Resume) else None

    assert shortened(long, fails) == (Enqueue(attempts=3), Pause(), Resume())
    assert JobOptions().attempts == Enqueue().attempts
