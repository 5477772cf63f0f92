"""Finds out what an adapter can do without having declared it.

Nothing here is a rule: what is not declared is owed by nobody. But a capability that works
and is not declared is one that nothing tests, so the report tells of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from nq_conformance.adapters import Capability
from nq_conformance.clock import Budget
from nq_conformance.contract import JobInput, ScheduleOptions
from nq_conformance.lab.lab import Lab
from nq_conformance.lab.queue import JOB, Queue

PROBE: Final = Budget("probe", 1_000, "an operation that was not declared shows that it works")
CHILD: Final = Budget("probed child", 5_000, "a child process that was not declared starts and replies")
FAR: Final = "0 0 1 1 *"
"""A pattern that matches once a year. Read with its seconds last, the one below is none."""
FAR_WITH_SECONDS: Final = "0 0 0 1 1 *"

_Probe: TypeAlias = Callable[[Lab, Queue], Awaitable[bool]]


async def undeclared(lab: Lab) -> list[Capability]:
    """The capabilities that the adapter does not declare and that work when tried.

    Each is tried on a queue of its own, with calls that a working adapter answers at once; what
    raises, hangs or answers something else counts as not there. Leaves no series behind that
    runs before New Year's Day. Raises only what opening the adapter raises.
    """
    await (lab.manager() if lab.adapter.has_workers else lab.provider())
    found = []
    for capability, probe in _PROBES.items():
        if not lab.claims(capability) and await _works(lab, probe):
            found.append(capability)
    return found


async def _works(lab: Lab, probe: _Probe) -> bool:
    queue = await lab.queue()
    try:
        return await probe(lab, queue)
    except Exception:  # whatever it raises, it does not work
        return False


async def _enqueue_many(lab: Lab, queue: Queue) -> bool:
    jobs = [JobInput(JOB, {"n": 1}), JobInput(JOB, {"n": 2})]
    ids = await _call(lab, queue, "enqueue_many", jobs)
    found = [await queue.get(id) for id in ids]
    return [job.data for job in found if job is not None] == [job.data for job in jobs]


async def _remove_job(lab: Lab, queue: Queue) -> bool:
    id, other = await queue.add(), await queue.add()
    removed = await _call(lab, queue, "remove_job", id)
    return removed is True and await queue.get(id) is None and await queue.get(other) is not None


async def _cron(_: Lab, queue: Queue) -> bool:
    return await _takes(queue, FAR, nonsense="0 0 1 13 *")


async def _cron_seconds(_: Lab, queue: Queue) -> bool:
    return await _takes(queue, FAR_WITH_SECONDS, nonsense="61 0 0 1 1 *")


async def _get_scheduled_jobs(lab: Lab, queue: Queue) -> bool:
    before = await _scheduled_ids(lab, queue)
    id = await queue.schedule(None, ScheduleOptions(cron=FAR))
    return before == [] and await _scheduled_ids(lab, queue) == [id]


async def _remove_scheduled_job(lab: Lab, queue: Queue) -> bool:
    id = await queue.schedule(None, ScheduleOptions(cron=FAR))
    first = await _call(lab, queue, "remove_scheduled_job", id)
    return first is True and await _call(lab, queue, "remove_scheduled_job", id) is False


async def _start_worker(lab: Lab, queue: Queue) -> bool:
    manager = await lab.new_manager()
    handler = lab.handler()
    await queue.work(handler, manager=manager, autorun=False)
    await queue.add()
    await lab.clock.call(lambda: manager.start_worker(queue.name), "start_worker", PROBE)
    await handler.finished(1, budget=PROBE)
    return True


async def _python_runtime(_: Lab, queue: Queue) -> bool:
    return await _runs_a_child(queue, "python", "echo.py")


async def _node_runtime(_: Lab, queue: Queue) -> bool:
    return await _runs_a_child(queue, "node-isolated", "echo.mjs")


async def _runs_a_child(queue: Queue, runtime: str, script: str) -> bool:
    """Whether a child of this module's folder completes a job with its payload."""
    await queue.work(str(Path(__file__).with_name(script)), runtime=runtime)
    id = await queue.add({"n": "echo"})
    job = await queue.reaches(id, "completed", "failed", budget=CHILD)
    return job.state == "completed" and job.return_value == {"n": "echo"}


async def _takes(queue: Queue, pattern: str, *, nonsense: str) -> bool:
    """Whether ``pattern`` makes a series: an id, no job that waits, and no like for nonsense."""
    id = await queue.schedule(None, ScheduleOptions(cron=pattern))
    waiting = await queue.list(state=["waiting", "active", "completed", "failed"])
    try:
        await queue.schedule(None, ScheduleOptions(cron=nonsense))
    except Exception:
        return bool(id) and not waiting
    return False


async def _scheduled_ids(lab: Lab, queue: Queue) -> list[Any]:
    return [getattr(entry, "id", None) for entry in await _call(lab, queue, "get_scheduled_jobs")]


async def _call(lab: Lab, queue: Queue, name: str, *args: Any) -> Any:
    """Call an optional operation of the provider; ``AttributeError`` where there is none."""
    operation = getattr(queue.provider.raw, name)
    return await lab.clock.call(lambda: operation(queue.name, *args), name, PROBE)


_PROBES: Final[Mapping[Capability, _Probe]] = {
    Capability.ENQUEUE_MANY: _enqueue_many,
    Capability.REMOVE_JOB: _remove_job,
    Capability.CRON: _cron,
    Capability.CRON_SECONDS: _cron_seconds,
    Capability.GET_SCHEDULED_JOBS: _get_scheduled_jobs,
    Capability.REMOVE_SCHEDULED_JOB: _remove_scheduled_job,
    Capability.START_WORKER: _start_worker,
    Capability.PYTHON_RUNTIME: _python_runtime,
    Capability.NODE_RUNTIME: _node_runtime,
}
