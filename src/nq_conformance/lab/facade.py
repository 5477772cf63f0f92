"""The adapter's provider and manager, with each call recorded and bounded in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nq_conformance.adapters.host.remote import RemoteManager
from nq_conformance.clock import CALL, Budget
from nq_conformance.contract import (
    ChildHandler,
    Job,
    JobCounts,
    JobInput,
    JobsQuery,
    QueueCallback,
    QueueEvent,
    QueueProvider,
    ScheduleOptions,
    WorkerHandler,
    WorkerInfo,
    WorkerManager,
    WorkerOptions,
)
from nq_conformance.lab.calls import Calls, shortened
from nq_conformance.lab.facts import of_job, of_worker, plain


class ProviderUnderTest:
    """A ``QueueProvider`` whose calls are recorded. ``raw`` is the adapter's own object."""

    def __init__(self, raw: QueueProvider, calls: Calls) -> None:
        self.raw = raw
        self._calls = calls

    async def init(self) -> None:
        """See ``QueueProvider``."""
        await self._calls.make("init", self.raw.init, "")

    async def close(self) -> None:
        """See ``QueueProvider``."""
        await self._calls.make("close", self.raw.close, "")

    async def enqueue(self, queue_name: str, job: JobInput) -> str:
        """See ``QueueProvider``."""
        return await self._calls.make(
            "enqueue",
            lambda: self.raw.enqueue(queue_name, job),
            _job_text(job),
            queue=queue_name,
            given=of_job(job),
        )

    async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
        """See ``QueueProvider``."""
        text = f"{_job_text(job)}, {_options_text(opts)}"
        call = (
            (lambda: self.raw.schedule(queue_name, job))
            if opts is None
            else (lambda: self.raw.schedule(queue_name, job, opts))
        )
        return await self._calls.make("schedule", call, text, queue=queue_name, given=of_job(job, opts))

    async def get_job(self, queue_name: str, id: str) -> Job | None:
        """See ``QueueProvider``."""
        return await self._calls.make(
            "get_job",
            lambda: self.raw.get_job(queue_name, id),
            shortened(id),
            queue=queue_name,
            given={"jobId": plain(id)},
        )

    async def get_jobs(self, queue_name: str, query: JobsQuery | None = None) -> Sequence[Job]:
        """See ``QueueProvider``."""
        return await self._calls.make(
            "get_jobs", lambda: self.raw.get_jobs(queue_name, query), _options_text(query), queue=queue_name
        )

    async def pause(self, queue_name: str) -> None:
        """See ``QueueProvider``."""
        await self._calls.make("pause", lambda: self.raw.pause(queue_name), "", queue=queue_name)

    async def resume(self, queue_name: str) -> None:
        """See ``QueueProvider``."""
        await self._calls.make("resume", lambda: self.raw.resume(queue_name), "", queue=queue_name)

    async def is_paused(self, queue_name: str) -> bool:
        """See ``QueueProvider``."""
        return await self._calls.make(
            "is_paused", lambda: self.raw.is_paused(queue_name), "", queue=queue_name
        )

    async def get_job_counts(self, queue_name: str) -> JobCounts:
        """See ``QueueProvider``."""
        return await self._calls.make(
            "get_job_counts", lambda: self.raw.get_job_counts(queue_name), "", queue=queue_name
        )

    def on(self, queue_name: str, event: QueueEvent, callback: QueueCallback) -> Callable[[], None]:
        """See ``QueueProvider``."""
        return self._calls.made(
            "on",
            lambda: self.raw.on(queue_name, event, callback),
            event,
            queue=queue_name,
            given={"event": plain(event)},
        )


class ManagerUnderTest:
    """A ``WorkerManager`` whose calls are recorded. ``raw`` is the adapter's own object."""

    def __init__(self, raw: WorkerManager, calls: Calls) -> None:
        self.raw = raw
        self._calls = calls
        self._number = calls.next_manager()

    async def register_worker(
        self,
        queue_name: str,
        job_name: str,
        handler: WorkerHandler | ChildHandler,
        opts: WorkerOptions | None = None,
    ) -> None:
        """See ``WorkerManager``."""
        call = (
            (lambda: self.raw.register_worker(queue_name, job_name, handler))
            if opts is None
            else (lambda: self.raw.register_worker(queue_name, job_name, handler, opts))
        )
        text = f"{job_name!r}, {_options_text(opts)}"
        given = of_worker(self._number, job_name, opts)
        await self._calls.make("register_worker", call, text, queue=queue_name, given=given)

    async def get_worker(self, queue_name: str, job_name: str) -> WorkerInfo | None:
        """See ``WorkerManager``, whose method returns at once; in another process it takes a message."""
        raw = self.raw
        if isinstance(raw, RemoteManager):
            return await self._calls.make(
                "get_worker", lambda: raw.ask_worker(queue_name, job_name), repr(job_name), queue=queue_name
            )
        return self._calls.made(
            "get_worker", lambda: raw.get_worker(queue_name, job_name), repr(job_name), queue=queue_name
        )

    async def start_worker(self, queue_name: str) -> None:
        """The optional ``start_worker``."""
        raw: Any = self.raw
        await self._calls.make("start_worker", lambda: raw.start_worker(queue_name), "", queue=queue_name)

    async def close_all(self, budget: Budget = CALL) -> None:
        """See ``WorkerManager``."""
        await self._calls.make("close_all", self.raw.close_all, "", budget=budget)


def _job_text(job: Any) -> str:
    opts = getattr(job, "opts", None)
    parts = [repr(getattr(job, "name", job)), shortened(getattr(job, "data", None), 60)]
    return ", ".join(parts + ([_options_text(opts)] if opts is not None else []))


def _options_text(opts: Any) -> str:
    """Only the fields that differ from the class's defaults."""
    if opts is None:
        return ""
    fields = getattr(type(opts), "__dataclass_fields__", {})
    told = [f"{n}={getattr(opts, n)!r}" for n, f in fields.items() if getattr(opts, n) != f.default]
    return ", ".join(told) if fields else shortened(opts)
