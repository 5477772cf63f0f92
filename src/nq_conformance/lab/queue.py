"""One queue of the adapter under test, in the words in which tests speak of it."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nq_conformance.clock import REACT, Budget
from nq_conformance.contract import (
    Backoff,
    Job,
    JobCounts,
    JobInput,
    JobOptions,
    JobsQuery,
    QueueEvent,
    ScheduleOptions,
    WorkerOptions,
)
from nq_conformance.lab.calls import shortened
from nq_conformance.lab.facade import ManagerUnderTest, ProviderUnderTest
from nq_conformance.lab.handlers import Recorder

if TYPE_CHECKING:
    from nq_conformance.lab.lab import Lab

JOB = "job"
"""The name of jobs in tests that don't care about names."""


class EventLog:
    """What one subscription has heard, in order."""

    def __init__(self, event: QueueEvent, lab: Lab) -> None:
        self.event = event
        self.payloads: list[Any] = []
        self.unsubscribe: Callable[[], None] = lambda: None
        self._lab = lab

    @property
    def job_ids(self) -> list[Any]:
        """The job ids of all payloads."""
        return [field_of(payload, "job_id") for payload in self.payloads]

    async def heard(self, count: int = 1, *, budget: Budget = REACT) -> Sequence[Any]:
        """Wait until there are ``count`` payloads; returns all of them."""
        await self._lab.sees(
            lambda: len(self.payloads) >= count,
            budget=budget,
            expected=f"{count} `{self.event}` event{'' if count == 1 else 's'}",
            seen=lambda: f"{len(self.payloads)}: {self.payloads[:5]!r}",
        )
        return self.payloads


class Queue:
    """A queue with the provider that manages it and the manager that runs its workers."""

    def __init__(self, name: str, lab: Lab, provider: ProviderUnderTest) -> None:
        self.name = name
        self.provider = provider
        self._lab = lab

    async def add(self, data: Any = None, *, name: str = JOB, **opts: Any) -> str:
        """Enqueue one job; ``opts`` are those of ``JobOptions``. Returns its id."""
        return await self.provider.enqueue(self.name, job_of(name, data, opts))

    async def add_marked(self, *marks: Any, name: str = JOB, **opts: Any) -> builtins.list[str]:
        """Enqueue a job for each mark, one after the other; returns their ids."""
        return [await self.add({"n": mark}, name=name, **opts) for mark in marks]

    async def schedule(
        self, data: Any = None, when: ScheduleOptions | None = None, *, name: str = JOB, **opts: Any
    ) -> str:
        """Schedule one job; returns the id of the job, or of the series."""
        return await self.provider.schedule(self.name, job_of(name, data, opts), when)

    async def get(self, id: str) -> Job | None:
        """The job, or ``None``."""
        return await self.provider.get_job(self.name, id)

    async def job(self, id: str) -> Job:
        """The job; none is a violation."""
        job = await self.get(id)
        self._lab.check(job is not None, f"get_job finds the job {id!r}", "None", jobs=(id,))
        assert job is not None
        return job

    async def list(self, **query: Any) -> Sequence[Job]:
        """The jobs that ``JobsQuery(**query)`` asks for; all without one."""
        jobs = await self.provider.get_jobs(self.name, JobsQuery(**query) if query else None)
        self._lab.check(jobs is not None, "get_jobs returns a sequence of jobs", "None")
        return jobs

    async def ids(self, **query: Any) -> builtins.list[str]:
        """The ids of those jobs, in the order given."""
        return [job.id for job in await self.list(**query)]

    async def counts(self) -> JobCounts:
        """The counts."""
        return await self.provider.get_job_counts(self.name)

    async def pause(self) -> None:
        """Hold the queue."""
        await self.provider.pause(self.name)

    async def resume(self) -> None:
        """Let it go on."""
        await self.provider.resume(self.name)

    async def is_paused(self) -> bool:
        """Whether it is held."""
        return await self.provider.is_paused(self.name)

    async def listen(self, event: QueueEvent, then: Callable[[Any], None] | None = None) -> EventLog:
        """Subscribe, and wait until no later event can be missed. ``then`` is called as well."""
        log = EventLog(event, self._lab)

        def heard(payload: Any = None) -> None:
            log.payloads.append(payload)
            job_id = field_of(payload, "job_id")
            text = _strange_id(job_id)
            self._lab.history.add("event", event, queue=self.name, job_id=job_id, text=text, data=payload)
            if then is not None:
                then(payload)

        log.unsubscribe = self.provider.on(self.name, event, heard)
        await is_ready(self._lab, log.unsubscribe)
        return log

    async def work(
        self, handler: Any, *, name: str = JOB, manager: ManagerUnderTest | None = None, **opts: Any
    ) -> ManagerUnderTest:
        """Register ``handler``; ``opts`` are those of ``WorkerOptions``. Returns the manager."""
        manager = manager or await self._lab.manager()
        options = WorkerOptions(**opts) if opts else None
        await manager.register_worker(self.name, name, handler, options)
        return manager

    async def handled(self, **opts: Any) -> Recorder:
        """Register a recording handler that returns its input; returns the handler."""
        handler = self._lab.handler()
        await self.work(handler, **opts)
        return handler

    async def reaches(self, id: str, *states: str, budget: Budget = REACT) -> Job:
        """Wait until the job is in one of ``states``; returns it."""
        latest: Job | None = None

        async def there() -> bool:
            nonlocal latest
            latest = await self.get(id)
            return latest is not None and latest.state in states

        await self._lab.eventually(
            there,
            budget=budget,
            expected=f"job {id!r} becomes {' or '.join(states)}",
            seen=lambda: "no such job" if latest is None else f"it is {latest.state}",
            jobs=(id,),
        )
        assert latest is not None
        return latest

    async def forgets(self, id: str) -> None:
        """Wait until ``get_job`` finds no job of this id, which its options have removed at its end."""

        async def gone() -> bool:
            return await self.get(id) is None

        await self._lab.eventually(
            gone,
            expected=f"get_job of {id!r}, a job to be removed at its end, gives None",
            seen=lambda: "it is still there",
            jobs=(id,),
        )


def _strange_id(job_id: object) -> str:
    """What a timeline shows of an id that is no text, as a history names jobs by texts alone."""
    return "" if job_id is None or isinstance(job_id, str) else f"job_id={shortened(job_id)}"


def job_of(name: str, data: Any, opts: dict[str, Any]) -> JobInput:
    """A job input; a backoff may be given as ``("fixed", 20)``."""
    if isinstance(opts.get("backoff"), tuple):
        opts = {**opts, "backoff": Backoff(*opts["backoff"])}
    return JobInput(name, data, JobOptions(**opts) if opts else None)


async def is_ready(lab: Lab, unsubscribe: Any) -> None:
    """Return once the subscription that ``unsubscribe`` ends misses nothing any more."""
    ready = getattr(unsubscribe, "ready", None)
    if ready is not None:
        await lab.clock.call(ready, "the subscription's ready()")


def field_of(payload: Any, name: str, default: Any = None) -> Any:
    """A payload's field, whether it is a mapping or an object; ``default`` if it has none."""
    if isinstance(payload, dict):
        return payload.get(name, default)
    return getattr(payload, name, default)
