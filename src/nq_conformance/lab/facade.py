"""The adapter's provider and manager, with each call recorded and bounded in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from nq_conformance.clock import CALL, Budget, Clock
from nq_conformance.contract import (
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
from nq_conformance.history import History

T = TypeVar("T")


class Calls:
    """Makes calls of the adapter, and writes them and what came of them into the history.

    ``where`` names the process they are made in, where it is not this one.
    """

    def __init__(self, history: History, clock: Clock, where: str = "") -> None:
        self._history = history
        self._clock = clock
        self._where = f"in {where}: " if where else ""

    async def make(
        self,
        label: str,
        call: Callable[[], Awaitable[T]],
        text: str,
        *,
        queue: str | None = None,
        budget: Budget = CALL,
    ) -> T:
        """Await ``call``; what it raises is recorded and raised."""
        try:
            result = await self._clock.call(call, f"{label}({text})", budget)
        except Exception as error:
            self._record(label, f"{text} !! {type(error).__name__}: {_shortened(error)}", queue, error)
            raise
        told = "" if result is None else f" -> {_shortened(result)}"
        self._record(label, text + told, queue, result)
        return result

    def made(self, label: str, call: Callable[[], T], text: str, *, queue: str | None = None) -> T:
        """The same for a call that is not awaited."""
        try:
            result = call()
        except Exception as error:
            self._record(label, f"{text} !! {type(error).__name__}: {_shortened(error)}", queue, error)
            raise
        self._record(label, text, queue, result)
        return result

    def _record(self, label: str, text: str, queue: str | None, data: Any) -> None:
        job_id = data if isinstance(data, str) and label in ("enqueue", "schedule") else None
        self._history.add("call", label, queue=queue, job_id=job_id, text=self._where + text, data=data)


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
            "enqueue", lambda: self.raw.enqueue(queue_name, job), _job_text(job), queue=queue_name
        )

    async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
        """See ``QueueProvider``."""
        text = f"{_job_text(job)}, {_options_text(opts)}"
        call = (
            (lambda: self.raw.schedule(queue_name, job))
            if opts is None
            else (lambda: self.raw.schedule(queue_name, job, opts))
        )
        return await self._calls.make("schedule", call, text, queue=queue_name)

    async def get_job(self, queue_name: str, id: str) -> Job | None:
        """See ``QueueProvider``."""
        return await self._calls.make(
            "get_job", lambda: self.raw.get_job(queue_name, id), _shortened(id), queue=queue_name
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
            "on", lambda: self.raw.on(queue_name, event, callback), event, queue=queue_name
        )


class ManagerUnderTest:
    """A ``WorkerManager`` whose calls are recorded. ``raw`` is the adapter's own object."""

    def __init__(self, raw: WorkerManager, calls: Calls) -> None:
        self.raw = raw
        self._calls = calls

    async def register_worker(
        self, queue_name: str, job_name: str, handler: WorkerHandler, opts: WorkerOptions | None = None
    ) -> None:
        """See ``WorkerManager``."""
        call = (
            (lambda: self.raw.register_worker(queue_name, job_name, handler))
            if opts is None
            else (lambda: self.raw.register_worker(queue_name, job_name, handler, opts))
        )
        text = f"{job_name!r}, {_options_text(opts)}"
        await self._calls.make("register_worker", call, text, queue=queue_name)

    def get_worker(self, queue_name: str, job_name: str) -> WorkerInfo | None:
        """See ``WorkerManager``."""
        return self._calls.made(
            "get_worker", lambda: self.raw.get_worker(queue_name, job_name), repr(job_name), queue=queue_name
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
    parts = [repr(getattr(job, "name", job)), _shortened(getattr(job, "data", None), 60)]
    return ", ".join(parts + ([_options_text(opts)] if opts is not None else []))


def _options_text(opts: Any) -> str:
    """Only the fields that differ from the class's defaults."""
    if opts is None:
        return ""
    fields = getattr(type(opts), "__dataclass_fields__", {})
    told = [f"{n}={getattr(opts, n)!r}" for n, f in fields.items() if getattr(opts, n) != f.default]
    return ", ".join(told) if fields else _shortened(opts)


def _shortened(value: object, limit: int = 100) -> str:
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
