"""What a step to enqueue hands to the adapter, and what to the model."""

from __future__ import annotations

from nq_conformance.contract import Backoff, JobInput, JobOptions, ScheduleOptions
from nq_conformance.lab.queue import JOB
from nq_conformance.model.steps import REST_MS, Enqueue
from nq_conformance.model.world import ModelJob


def job_input(number: int, step: Enqueue) -> JobInput:
    """The job; its delay is in the options, unless it is scheduled."""
    opts = JobOptions(
        job_id=step.job_id,
        attempts=step.attempts,
        backoff=Backoff("fixed", REST_MS[step.backoff]) if step.backoff else None,
        delay=0 if step.scheduled else REST_MS[step.delay],
        priority=step.priority,
        remove_on_complete=step.remove_on_complete,
        remove_on_fail=step.remove_on_fail,
    )
    return JobInput(JOB, {"n": number}, None if opts == JobOptions() else opts)


def schedule_options(step: Enqueue) -> ScheduleOptions | None:
    """When a scheduled job is to run; ``None`` for now."""
    return ScheduleOptions(delay=REST_MS[step.delay]) if step.delay else None


def model_job(number: int, step: Enqueue) -> ModelJob:
    """The same job in the model."""
    return ModelJob(
        number,
        id=step.job_id,
        priority=step.priority,
        attempts=step.attempts,
        backoff=step.backoff,
        keep_completed=_kept(step.remove_on_complete),
        keep_failed=_kept(step.remove_on_fail),
        rest=step.delay,
    )


def _kept(remove: bool | int) -> int | None:
    """How many are kept: all where nothing is removed, 0 for ``True``."""
    if isinstance(remove, bool):
        return 0 if remove else None
    return remove
