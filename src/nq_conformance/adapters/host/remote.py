"""A provider and a manager in another process, in the shape of the contract, and what they call back."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import anyio
from anyio.abc import TaskGroup

from nq_conformance.adapters.host.methods import CONTEXT_FIELDS, TO_HOST
from nq_conformance.adapters.host.peer import Peer
from nq_conformance.adapters.setting import Setting
from nq_conformance.contract import (
    ChildHandler,
    Job,
    JobCounts,
    JobInput,
    JobsQuery,
    QueueCallback,
    QueueEvent,
    ScheduleOptions,
    WorkerHandler,
    WorkerInfo,
    WorkerOptions,
)


class RemoteProvider:
    """A ``QueueProvider`` in a host."""

    def __init__(self, peer: Peer, number: int, callbacks: Callbacks) -> None:
        self.number = number
        self._peer = peer
        self._callbacks = callbacks

    async def init(self) -> None:
        """See ``QueueProvider``."""
        await self._call("init")

    async def close(self) -> None:
        """See ``QueueProvider``."""
        await self._call("close")

    async def enqueue(self, queue_name: str, job: JobInput) -> str:
        """See ``QueueProvider``."""
        id: str = await self._call("enqueue", queue_name=queue_name, job=job)
        return id

    async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
        """See ``QueueProvider``."""
        id: str = await self._call("schedule", queue_name=queue_name, job=job, opts=opts)
        return id

    async def get_job(self, queue_name: str, id: str) -> Job | None:
        """See ``QueueProvider``."""
        job: Job | None = await self._call("get_job", queue_name=queue_name, id=id)
        return job

    async def get_jobs(self, queue_name: str, query: JobsQuery | None = None) -> Sequence[Job]:
        """See ``QueueProvider``."""
        jobs: Sequence[Job] = await self._call("get_jobs", queue_name=queue_name, query=query)
        return jobs

    async def pause(self, queue_name: str) -> None:
        """See ``QueueProvider``."""
        await self._call("pause", queue_name=queue_name)

    async def resume(self, queue_name: str) -> None:
        """See ``QueueProvider``."""
        await self._call("resume", queue_name=queue_name)

    async def is_paused(self, queue_name: str) -> bool:
        """See ``QueueProvider``."""
        paused: bool = await self._call("is_paused", queue_name=queue_name)
        return paused

    async def get_job_counts(self, queue_name: str) -> JobCounts:
        """See ``QueueProvider``."""
        counts: JobCounts = await self._call("get_job_counts", queue_name=queue_name)
        return counts

    async def enqueue_many(self, queue_name: str, jobs: Sequence[JobInput]) -> Sequence[str]:
        """See ``OptionalOperations``, as for all that an adapter may not have."""
        ids: Sequence[str] = await self._call("enqueue_many", queue_name=queue_name, jobs=jobs)
        return ids

    async def remove_job(self, queue_name: str, id: str) -> bool:
        """See ``OptionalOperations``."""
        removed: bool = await self._call("remove_job", queue_name=queue_name, id=id)
        return removed

    async def get_scheduled_jobs(self, queue_name: str) -> Sequence[object]:
        """See ``OptionalOperations``."""
        series: Sequence[object] = await self._call("get_scheduled_jobs", queue_name=queue_name)
        return series

    async def remove_scheduled_job(self, queue_name: str, id: str) -> bool:
        """See ``OptionalOperations``."""
        removed: bool = await self._call("remove_scheduled_job", queue_name=queue_name, id=id)
        return removed

    def on(self, queue_name: str, event: QueueEvent, callback: QueueCallback) -> RemoteUnsubscribe:
        """See ``QueueProvider``; listening begins at the latest when ``ready`` has returned."""
        number = self._callbacks.subscribe(callback)
        subscribing = self._callbacks.begin(
            lambda: self._call("on", queue_name=queue_name, event=event, subscription=number)
        )
        return RemoteUnsubscribe(self._peer, number, self._callbacks, subscribing)

    async def _call(self, method: str, **params: Any) -> Any:
        return await self._peer.call(TO_HOST[f"provider.{method}"], provider=self.number, **params)


class RemoteUnsubscribe:
    """Ends a subscription in a host."""

    def __init__(
        self, peer: Peer, number: int, callbacks: Callbacks, subscribing: Callable[[], Awaitable[None]]
    ) -> None:
        self._peer = peer
        self._number = number
        self._callbacks = callbacks
        self._subscribing = subscribing

    def __call__(self) -> None:
        """End it; what is still under way is not delivered."""
        self._callbacks.unsubscribe(self._number)
        self._callbacks.begin(lambda: self._peer.call(TO_HOST["provider.off"], subscription=self._number))

    async def ready(self) -> None:
        """Wait until the host listens, and until it can miss nothing."""
        await self._subscribing()
        await self._peer.call(TO_HOST["provider.ready"], subscription=self._number)


class RemoteManager:
    """A ``WorkerManager`` in a host. Its handlers run here, but for those that have children of the host."""

    def __init__(self, peer: Peer, number: int, callbacks: Callbacks) -> None:
        self._peer = peer
        self._number = number
        self._callbacks = callbacks

    async def register_worker(
        self,
        queue_name: str,
        job_name: str,
        handler: WorkerHandler | ChildHandler,
        opts: WorkerOptions | None = None,
    ) -> None:
        """See ``WorkerManager``."""
        await self._call(
            "register_worker",
            queue_name=queue_name,
            job_name=job_name,
            handler=self._callbacks.add_handler(handler) if callable(handler) else handler,
            opts=opts,
        )

    def get_worker(self, queue_name: str, job_name: str) -> WorkerInfo | None:
        """Not to be had from afar, as the contract's method returns at once: see ``ask_worker``."""
        raise NotImplementedError("get_worker of an adapter in another process is ask_worker here")

    async def ask_worker(self, queue_name: str, job_name: str) -> WorkerInfo | None:
        """What ``get_worker`` says in the host."""
        info: WorkerInfo | None = await self._call("get_worker", queue_name=queue_name, job_name=job_name)
        return info and replace(info, handler=self._callbacks.handler_of(info.handler))

    async def start_worker(self, queue_name: str) -> None:
        """The optional ``start_worker``."""
        await self._call("start_worker", queue_name=queue_name)

    async def close_all(self) -> None:
        """See ``WorkerManager``."""
        await self._call("close_all")

    async def _call(self, method: str, **params: Any) -> Any:
        return await self._peer.call(TO_HOST[f"manager.{method}"], manager=self._number, **params)


class Callbacks:
    """What a host may call in the kit: handlers, subscriptions, event bus, state, flow.

    ``process`` is what the kit calls the host; contexts tell it to whoever records their runs.
    """

    peer: Peer
    process: str | None = None

    def __init__(self, setting: Setting, tasks: TaskGroup) -> None:
        self._setting = setting
        self._tasks = tasks
        self._numbers = itertools.count(1)
        self._handlers: dict[int, WorkerHandler] = {}
        self._subscribers: dict[int, QueueCallback] = {}
        self._running: dict[int, anyio.CancelScope] = {}

    def answers(self) -> Mapping[str, Callable[..., Awaitable[Any]]]:
        """A coroutine function for each method that the host may call."""
        return {
            "handler.run": self._run,
            "handler.cancel": self._cancel,
            "event": self._event,
            "bus.publish": self._setting.events.publish_bus,
            "state.get": self._setting.state.get,
            "state.set": self._setting.state.set,
            "state.delete": self._setting.state.delete,
            "flow.emit": self._setting.flow.emit,
        }

    def add_handler(self, handler: WorkerHandler) -> int:
        """Give a handler a number by which the host calls it."""
        number = next(self._numbers)
        self._handlers[number] = handler
        return number

    def handler_of(self, told: Any) -> Any:
        """The handler of a number; what else a host tells of one, as it is."""
        return self._handlers.get(told, told) if isinstance(told, int) else told

    def subscribe(self, callback: QueueCallback) -> int:
        """Give a callback a number by which the host delivers."""
        number = next(self._numbers)
        self._subscribers[number] = callback
        return number

    def unsubscribe(self, number: int) -> None:
        """Deliver nothing more."""
        self._subscribers.pop(number, None)

    def begin(self, call: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
        """Make a call in the background; returns what waits for its end and raises its error."""
        done = anyio.Event()
        failed: list[Exception] = []

        async def run() -> None:
            try:
                await call()
            except Exception as error:
                failed.append(error)
            done.set()

        async def wait() -> None:
            await done.wait()
            if failed:
                raise failed[0]

        self._tasks.start_soon(run)
        return wait

    async def _run(self, run: int, handler: int, data: Any, context: Any) -> Any:
        with anyio.CancelScope() as scope:
            self._running[run] = scope
            try:
                return await self._handlers[handler](data, self._context(run, context))
            finally:
                del self._running[run]
        return None

    def _context(self, run: int, fields: Any) -> Any:
        return RemoteContext(self.peer, run, fields if isinstance(fields, Mapping) else {}, self.process)

    async def _cancel(self, run: int) -> None:
        if run in self._running:
            self._running[run].cancel()

    async def _event(self, subscription: int, payload: Any) -> None:
        callback = self._subscribers.get(subscription)
        if callback is not None:
            callback(payload)


class RemoteContext:
    """A ``RunContext`` whose services are in a host."""

    def __init__(self, peer: Peer, run: int, fields: Mapping[str, Any], process: str | None = None) -> None:
        self.process = process
        for name in CONTEXT_FIELDS:
            setattr(self, name, fields.get(name))
        self.state = _Service(
            peer, run, "state", {"get": ("key",), "set": ("key", "value"), "delete": ("key",)}
        )
        self.logger = _Service(peer, run, "logger", {"log": ("level", "message", "metadata")})
        self.flow = _Service(peer, run, "flow", {"emit": ("trigger", "payload")})


class _Service:
    """One of a context's services: each method is a call of the host."""

    def __init__(self, peer: Peer, run: int, name: str, methods: Mapping[str, tuple[str, ...]]) -> None:
        self._peer = peer
        self._run = run
        self._name = name
        self._methods = methods

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        if method not in self._methods:
            raise AttributeError(method)
        names = self._methods[method]

        async def call(*args: Any) -> Any:
            given = dict(zip(names, (*args, *[None] * len(names)), strict=False))
            return await self._peer.call(TO_HOST[f"context.{self._name}.{method}"], run=self._run, **given)

        return call
