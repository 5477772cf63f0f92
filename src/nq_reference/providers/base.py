"""The QueueProvider over any ``JobSource``: the same checks and shapes for every backend."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import anyio

from nq_conformance.contract import (
    QUEUE_EVENTS,
    ClosedError,
    EventManager,
    FlowEngine,
    InvalidJobError,
    InvalidQueryError,
    Job,
    JobCounts,
    JobInput,
    JobsQuery,
    QueueCallback,
    QueueError,
    QueueEvent,
    ScheduleOptions,
    StateProvider,
)
from nq_reference import codec, validation
from nq_reference.engine import EngineWorkerManager
from nq_reference.job_source import JobSource, NewJob, Schedule, StoredJob, Subscription
from nq_reference.names import check_name, is_name
from nq_reference.providers.payloads import payload_of
from nq_reference.runner import Services
from nq_reference.runtimes import ChildOptions
from nq_reference.schedule import Series, series_id, series_of

logger = logging.getLogger("nq_reference")


class SourceProvider:
    """Implements ``QueueProvider`` and all its optional operations.

    A call before ``init`` initialises (LIFE-02), except ``on``, which can't wait and raises.
    Closing a provider closes the worker managers made by it first.
    """

    name: ClassVar[str] = ""
    capabilities: ClassVar[tuple[str, ...]] = (
        "cron",
        "cron_seconds",
        "enqueue_many",
        "remove_job",
        "get_scheduled_jobs",
        "remove_scheduled_job",
        "start_worker",
        "python_runtime",
        "node_runtime",
    )
    async_backends: ClassVar[tuple[str, ...]] = ("asyncio", "uvloop")
    manager_class: ClassVar[type[EngineWorkerManager]] = EngineWorkerManager

    def __init__(self, source: JobSource, *, prefix: str = "", close_timeout_ms: int = 30_000) -> None:
        self._source = source
        self._prefix = prefix
        self._close_timeout_ms = close_timeout_ms
        self._managers: list[EngineWorkerManager] = []
        self._subscriptions: set[Subscription] = set()
        self._open = False
        self._closed = False
        self._ended = False
        self._closing: anyio.Event | None = None

    # -- life ----------------------------------------------------------------------------

    async def init(self) -> None:
        """Connect. Idempotent, also when called concurrently (LIFE-01)."""
        if self._closed:
            raise ClosedError(f"this {type(self).__name__} is closed; make a new one")
        if not self._open:
            await self._source.open()
            self._open = True

    async def close(self) -> None:
        """Close the managers made by this provider, end subscriptions, disconnect. Idempotent;
        a concurrent second call returns when the first has done its work."""
        while self._closing is not None:
            await self._closing.wait()
        if self._ended:
            return
        self._closed, self._open = True, False
        closing = self._closing = anyio.Event()
        try:
            await self._close()
            self._ended = True
        finally:  # cut short, it is there to be called again
            self._closing = None
            closing.set()

    async def _close(self) -> None:
        for manager in self._managers:
            await manager.close_all()
        for subscription in tuple(self._subscriptions):
            subscription.close()
        self._subscriptions.clear()
        await self._source.close()

    def worker_manager(
        self,
        *,
        events: EventManager | None = None,
        state: StateProvider | None = None,
        flow: FlowEngine | None = None,
        children: ChildOptions | None = None,
    ) -> EngineWorkerManager:
        """A new manager whose workers run this provider's jobs; ``children`` says how its workers of
        other runtimes run their child processes."""
        manager = self.manager_class(
            self._source,
            Services(events, state, flow),
            prefix=self._prefix,
            close_timeout_ms=self._close_timeout_ms,
            children=children,
        )
        self._managers.append(manager)
        return manager

    async def now(self) -> int:
        """The backend's time in epoch ms, which due times and locks are compared with."""
        return await self._source.now()

    # -- storing -------------------------------------------------------------------------

    async def enqueue(self, queue_name: str, job: JobInput) -> str:
        """See ``QueueProvider``. Raises ``InvalidJobError`` before anything is stored."""
        new = _new_job(queue_name, job)
        if not self._open:
            await self.init()
        return (await self._source.add(queue_name, (new,)))[0]

    async def enqueue_many(self, queue_name: str, jobs: Sequence[JobInput]) -> Sequence[str]:
        """Store all of ``jobs`` in order, or none; returns their ids."""
        new = [_new_job(queue_name, job) for job in jobs]
        if not self._open:
            await self.init()
        return await self._source.add(queue_name, new) if new else []

    async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
        """See ``QueueProvider``. Raises ``InvalidScheduleError`` or ``InvalidJobError``."""
        series = series_of(opts)
        if series is not None:
            return await self._put_series(queue_name, job, series)
        delay = getattr(opts, "delay", None)
        new = _new_job(queue_name, job, delay)
        if not self._open:
            await self.init()
        return (await self._source.add(queue_name, (new,)))[0]

    async def remove_job(self, queue_name: str, id: str) -> bool:
        """Remove a job that is not active; whether there was one."""
        await self._ready(queue_name)
        return is_name(id) and await self._source.remove(queue_name, id)

    # -- asking --------------------------------------------------------------------------

    async def get_job(self, queue_name: str, id: str) -> Job | None:
        """See ``QueueProvider``. Anything that can't be an id is the id of no job (QRY-01)."""
        await self._ready(queue_name)
        if not is_name(id):
            return None
        stored = await self._source.get(queue_name, id)
        return None if stored is None else _job(stored)

    async def get_jobs(self, queue_name: str, query: JobsQuery | None = None) -> Sequence[Job]:
        """See ``QueueProvider``. Raises ``InvalidQueryError``."""
        asked = validation.query(query)
        await self._ready(queue_name)
        if asked.limit == 0:
            return []
        stored = await self._source.list(queue_name, asked.state or (), asked.offset, asked.limit)
        return [_job(job) for job in stored]

    async def get_job_counts(self, queue_name: str) -> JobCounts:
        """See ``QueueProvider``."""
        await self._ready(queue_name)
        return await self._source.counts(queue_name)

    async def get_scheduled_jobs(self, queue_name: str) -> Sequence[Schedule]:
        """The series of a queue, the next to run first."""
        await self._ready(queue_name)
        return await self._source.schedules(queue_name)

    async def remove_scheduled_job(self, queue_name: str, id: str) -> bool:
        """End a series; whether there was one."""
        await self._ready(queue_name)
        return await self._source.remove_schedule(queue_name, id)

    # -- pausing -------------------------------------------------------------------------

    async def pause(self, queue_name: str) -> None:
        """See ``QueueProvider``. Also waits for claims of this process that were under way."""
        await self._ready(queue_name)
        await self._source.pause(queue_name)
        for manager in self._managers:
            await manager.settle(queue_name)

    async def resume(self, queue_name: str) -> None:
        """See ``QueueProvider``. Also starts workers registered with ``autorun=False`` (question 5)."""
        await self._ready(queue_name)
        await self._source.resume(queue_name)
        for manager in self._managers:
            manager.resumed(queue_name)

    async def is_paused(self, queue_name: str) -> bool:
        """See ``QueueProvider``."""
        await self._ready(queue_name)
        return await self._source.is_paused(queue_name)

    # -- listening -----------------------------------------------------------------------

    def on(self, queue_name: str, event: QueueEvent, callback: QueueCallback) -> Callable[[], None]:
        """See ``QueueProvider``. What a callback raises is logged and reaches nobody (EVT-08)."""
        check_name("queue_name", queue_name)
        if event not in QUEUE_EVENTS:
            raise InvalidQueryError(f"no event {event!r}; the events are {', '.join(QUEUE_EVENTS)}")
        if self._closed:
            raise ClosedError(f"this {type(self).__name__} is closed; make a new one")
        if not self._open:
            raise QueueError("on() needs an initialised provider; await init() first")

        def listen(happened: QueueEvent, job_id: str | None, detail: str | int | None) -> None:
            if happened == event:
                _call(callback, event, payload_of(event, job_id, detail))

        subscription = self._source.subscribe(queue_name, listen)
        self._subscriptions.add(subscription)
        return _Unsubscribe(subscription, self._subscriptions)

    async def _ready(self, queue_name: str) -> None:
        check_name("queue_name", queue_name)
        if not self._open:
            await self.init()

    async def _put_series(self, queue_name: str, job: JobInput, series: Series) -> str:
        new = _new_job(queue_name, job)
        if new.opts.job_id is not None:
            raise InvalidJobError("opts.job_id can't be given for a series: each run has an id of its own")
        await self._ready(queue_name)
        next_at = series.next_after(await self._source.now())
        if next_at is None:
            raise QueueError(f"the pattern {series.pattern!r} has no further match")
        id = series_id(new.name, series.pattern)
        await self._source.put_schedule(
            queue_name,
            Schedule(id, new.name, new.data, new.opts, series.pattern, series.tz, series.limit, next_at),
        )
        return id


class _Unsubscribe:
    """What ``on`` returns: ends its own subscription, any number of times (EVT-07)."""

    def __init__(self, subscription: Subscription, among: set[Subscription]) -> None:
        self._subscription = subscription
        self._among = among

    def __call__(self) -> None:
        self._among.discard(self._subscription)
        self._subscription.close()

    async def ready(self) -> None:
        """Return once no later event can be missed (EVT-10)."""
        await self._subscription.ready()


def _call(callback: QueueCallback, event: QueueEvent, payload: dict[str, Any]) -> None:
    try:
        callback(payload)
    except Exception:
        logger.exception("a callback of %r raised", event)


def _new_job(queue_name: str, job: Any, delay: int | None = None) -> NewJob:
    """A checked job; ``delay`` in milliseconds wins over the one in its options (SCH-05)."""
    check_name("queue_name", queue_name)
    name = check_name("job.name", getattr(job, "name", None))
    given = getattr(job, "opts", None)
    opts = codec.NO_OPTIONS if given is None else validation.job_options(given)
    if delay is None:
        delay = opts.delay
    else:
        validation.check_int("delay", delay, InvalidJobError)
    id = opts.job_id or os.urandom(16).hex()  # as unique as a uuid4, at a third of its cost
    return NewJob(id, name, codec.encode(getattr(job, "data", None)), opts, delay)


def _job(stored: StoredJob) -> Job:
    return Job(
        id=stored.id,
        name=stored.name,
        data=codec.decode(stored.data),
        state=stored.state,
        timestamp=stored.timestamp,
        processed_on=stored.processed_on,
        finished_on=stored.finished_on,
        attempts_made=stored.attempts_made,
        return_value=None if stored.return_value is None else codec.decode(stored.return_value),
        failed_reason=stored.failed_reason,
        progress=None if stored.progress is None else codec.decode(stored.progress),
        opts=stored.opts,
    )
