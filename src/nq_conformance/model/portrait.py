"""What can be seen of a queue, in a form in which a model and an adapter can be compared.

A portrait is a dict that reads well: a text for each kept job's number, as ``"active 0"`` with
the attempts made, then ``"starts"`` of the handler and whether it is ``"paused"``. An adapter's
may have entries more, for what contradicts the others: counts, running handlers, strange jobs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

from nq_conformance.contract import Job, JobCounts, JobsQuery
from nq_conformance.model.world import ModelJob, World

Portrait: TypeAlias = dict[Any, Any]
_TOTALS = ("starts", "paused", "counts", "running")
REASON = "attempt {} failed"
"""What a handler raises that is let fail, by the number of the attempt."""


def of_world(world: World) -> Portrait:
    """A world's portrait."""
    jobs: Portrait = {job.number: _of_model_job(job) for job in world.jobs}
    return {**jobs, "starts": world.starts, "paused": world.paused}


def of_adapter(
    jobs: Sequence[Job], counts: JobCounts, *, paused: bool, running: Sequence[int], starts: int
) -> Portrait:
    """An adapter's portrait, of what it answers and of the handlers that it has running."""
    told: Portrait = {}
    for job in jobs:
        number = number_of(job)
        twice = number in told
        told[f"{job.id} (again)" if twice else number] = of_job(job, paused=paused)
    told |= {"starts": starts, "paused": paused}
    listed = Counter(job.state for job in jobs)
    counted = {s: n for s in JobCounts.__dataclass_fields__ if (n := getattr(counts, s, None))}
    if counted != listed:
        told["counts"] = counted
    active = sorted(number_of(job) for job in jobs if job.state == "active")
    if sorted(running) != active:
        told["running"] = sorted(running)
    return told


def of_job(job: Job, *, paused: bool) -> str:
    """One job. A held one is ``waiting``, whichever of the two words the adapter has for it."""
    state = "waiting" if paused and job.state == "paused" else job.state
    results = {"completed": f" -> {job.return_value}", "failed": f": {job.failed_reason}"}
    return f"{state} {job.attempts_made}{results.get(state, '')}"


def number_of(job: Job) -> Any:
    """The number that the job was enqueued with, or what is there instead."""
    return job.data.get("n") if isinstance(job.data, dict) else repr(job.data)


def _of_model_job(job: ModelJob) -> str:
    results = {"completed": f" -> {job.number}", "failed": f": {REASON.format(job.made)}"}
    return f"{job.state} {job.made}{results.get(job.state, '')}"


def told(portrait: Portrait) -> str:
    """A portrait on one line, for people."""
    jobs = [f"job {key}: {text}" for key, text in portrait.items() if key not in _TOTALS]
    totals = [f"{key}: {portrait[key]}" for key in _TOTALS if key in portrait]
    return "; ".join([*jobs, *totals] if jobs else ["no jobs", *totals])


def misfit(whole: Sequence[Job], part: Sequence[Job], page: Sequence[Job], query: JobsQuery) -> str | None:
    """What is wrong with the lists of all jobs, of those in ``query.state``, and of a page of these.

    ``None`` where they agree: ``part`` has exactly the jobs of ``whole`` in those states, and
    ``page`` is cut out of it.
    """
    wanted = sorted(job.id for job in whole if not query.state or job.state in query.state)
    listed = [job.id for job in part]
    if sorted(listed) != wanted:
        return f"of the jobs in these states, {wanted}, it lists {listed}"
    end = None if query.limit is None else query.offset + query.limit
    cut = [job.id for job in page]
    return None if cut == listed[query.offset : end] else f"the page of {listed} is {cut}"
