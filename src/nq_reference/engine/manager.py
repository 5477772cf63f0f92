"""The WorkerManager of every provider that is built on a ``JobSource``."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import anyio

from nq_conformance.contract import (
    ChildHandler,
    ClosedError,
    InvalidWorkerError,
    WorkerHandler,
    WorkerInfo,
    WorkerOptions,
)
from nq_reference.engine.dispatcher import Registration
from nq_reference.engine.worker import QueueWorker
from nq_reference.job_source import JobSource
from nq_reference.names import check_name
from nq_reference.runner import Runner, Services
from nq_reference.runtimes import ChildOptions, Children
from nq_reference.runtimes.options import child_options
from nq_reference.runtimes.target import check_handler
from nq_reference.validation import worker_options

logger = logging.getLogger("nq_reference")


class EngineWorkerManager:
    """One worker per queue, all of one source. Implements ``WorkerManager``.

    ``close_timeout_ms`` bounds how long ``close_all`` lets running handlers go on. ``children`` says
    how child processes are run, where a worker's ``ChildWorkerOptions`` do not.
    """

    worker_class: type[QueueWorker] = QueueWorker
    runner_class: type[Runner] = Runner

    def __init__(
        self,
        source: JobSource,
        services: Services,
        *,
        prefix: str = "",
        close_timeout_ms: int = 30_000,
        children: ChildOptions | None = None,
    ) -> None:
        self._source = source
        self._runner = self.runner_class(services)
        self._prefix = prefix
        self._close_timeout_ms = close_timeout_ms
        self._workers: dict[str, QueueWorker] = {}
        self._children = Children(children)
        self._closed = False

    async def register_worker(
        self,
        queue_name: str,
        job_name: str,
        handler: WorkerHandler | ChildHandler,
        opts: WorkerOptions | None = None,
    ) -> None:
        """See ``WorkerManager``. Raises ``InvalidWorkerError`` for bad options or a handler that
        the options' runtime can't run. ``opts`` may be ``ChildWorkerOptions``."""
        options = await self.add_worker(queue_name, job_name, handler, opts)
        if options.autorun:
            self._workers[queue_name].start()

    async def add_worker(
        self,
        queue_name: str,
        job_name: str,
        handler: WorkerHandler | ChildHandler,
        opts: WorkerOptions | None = None,
    ) -> WorkerOptions:
        """``register_worker`` without its start, whatever ``autorun`` says: so that all handlers of a queue
        are there when ``start_worker`` starts it. Returns the options that hold."""
        self._require_open()
        check_name("queue_name", queue_name)
        check_name("job_name", job_name)
        options = self._checked(opts, handler)
        registration = self._registration(handler, options, opts)
        await self._source.open()
        worker = self._workers.get(queue_name)
        if worker is None:
            worker = self.worker_class(self._source, queue_name, self._runner, options)
            self._workers[queue_name] = worker
        else:
            worker.set_options(_joined(queue_name, worker.options, options))
        self._children.dismiss(worker.dispatcher.register(job_name, registration))
        return options

    def get_worker(self, queue_name: str, job_name: str) -> WorkerInfo | None:
        """See ``WorkerManager``."""
        self._require_open()
        worker = self._workers.get(queue_name)
        found = worker.dispatcher.find(job_name) if worker else None
        if worker is None or found is None:
            return None
        return WorkerInfo(
            queue_name,
            job_name,
            found.given,
            found.options.runtime,
            worker.concurrency,
            found.options.autorun,
        )

    async def start_worker(self, queue_name: str) -> None:
        """Start a worker registered with ``autorun=False``; no worker is an error."""
        self._require_open()
        if queue_name not in self._workers:
            raise InvalidWorkerError(f"no worker is registered for queue {queue_name!r}")
        self._workers[queue_name].start()

    def resumed(self, queue_name: str) -> None:
        """A provider tells that its queue was resumed, which starts workers too (question 5)."""
        if queue_name in self._workers:
            self._workers[queue_name].start()

    async def settle(self, queue_name: str) -> None:
        """Return once no claimed job of the queue has yet to begin (PAU-02)."""
        if queue_name in self._workers:
            await self._workers[queue_name].settle()

    async def close_all(self) -> None:
        """See ``WorkerManager``. Idempotent; a concurrent second call waits as well."""
        self._closed = True
        async with anyio.create_task_group() as group:
            for worker in self._workers.values():
                group.start_soon(worker.close, self._close_timeout_ms / 1000)
        await self._children.close()

    def _require_open(self) -> None:
        if self._closed:
            raise ClosedError("this worker manager is closed")

    def _checked(self, opts: Any, handler: Any) -> WorkerOptions:
        options = worker_options(opts)
        check_handler(handler, options.runtime)
        if options.prefix not in (None, self._prefix):
            raise InvalidWorkerError(
                f"the worker's prefix {options.prefix!r} is not its provider's {self._prefix!r}: they would "
                "never meet. Make the provider with that prefix instead"
            )
        return options

    def _registration(self, handler: Any, options: WorkerOptions, given: Any) -> Registration:
        if options.runtime == "in-process":
            return Registration(handler, options, handler)
        child = child_options(given, self._children.options)
        return Registration(self._children.handler(handler, options.runtime, child), options, handler)


def _joined(queue: str, first: WorkerOptions, later: WorkerOptions) -> WorkerOptions:
    """The first registration's options with the higher concurrency (question 6)."""
    ignored = [
        f"{name}={getattr(later, name)}"
        for name in ("lock_duration_ms", "max_stalled_count", "drain_delay_ms")
        if getattr(later, name) != getattr(first, name)
    ]
    if ignored:
        logger.warning("queue %r already has a worker; ignored: %s", queue, ", ".join(ignored))
    return replace(first, concurrency=max(first.concurrency, later.concurrency))
