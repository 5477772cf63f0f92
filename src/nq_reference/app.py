"""An application: everything that its configuration asks for, opened, registered, started and closed
in order (seed sections 4 and 7)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import anyio

from nq_conformance.contract import ClosedError
from nq_reference.config.app import AppConfig, file_values, queues_of
from nq_reference.factory import adapter_config, create_adapter, environment_values
from nq_reference.flow import QueueFlowEngine
from nq_reference.handlers import load_handler
from nq_reference.registry import FoundWorker, flow_steps, loose_triggers, scan
from nq_reference.signals import heeding
from nq_reference.stores import create_stores

if TYPE_CHECKING:
    from nq_conformance.contract import ChildHandler, WorkerHandler
    from nq_reference.engine import EngineWorkerManager
    from nq_reference.events.base import StepEvents
    from nq_reference.providers.base import SourceProvider
    from nq_reference.state.base import JsonState

_log = logging.getLogger("nq_reference.app")
_CLIENTS_S = 30
"""How long closing may take beyond what running handlers are given: until clients give up."""

Watch: TypeAlias = "Callable[[App], AbstractAsyncContextManager[None]]"
"""Makes a context in which an App runs."""


class App:
    """A provider, its worker manager, and state, events and flow for its handlers.

    Made on the event loop that it runs on. ``start`` and ``close`` are idempotent, also when called
    concurrently; as a context manager it is started, and closed whatever happens.
    """

    provider: SourceProvider
    manager: EngineWorkerManager
    state: JsonState
    events: StepEvents
    flow: QueueFlowEngine
    workers: tuple[FoundWorker, ...]

    def __init__(self, config: AppConfig) -> None:
        """Raises ``ConfigError`` for what the folder of workers says wrong, or a missing client."""
        self.config = config
        self.workers = scan(config.queues) if config.queues is not None else ()
        for sentence in loose_triggers(self.workers):
            _log.warning(sentence)
        adapter = create_adapter(config.adapter)
        stores = create_stores(config.adapter)
        self.provider, self.state, self.events = adapter.provider, stores.state, stores.events
        self.flow = QueueFlowEngine(self.provider, flow_steps(self.workers))
        self.manager = adapter.worker_manager(events=self.events, state=self.state, flow=self.flow)
        self._stack = AsyncExitStack()
        self._turn = anyio.Lock()
        self._opened = False
        self._started = False
        self._closed = False
        self._closing = anyio.CancelScope(shield=True)

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | Path | str | None = None) -> Self:
        """The application of ``config``: values, the path of a TOML file that has them, or, without
        either, the environment's ``NQ_ADAPTER`` and ``NQ_URL``.

        The values are ``queues``, the folder of the workers, and those of ``adapter_config``. Raises
        ``ConfigError``.
        """
        if config is None:
            config = environment_values()
        values = dict(config) if isinstance(config, Mapping) else file_values(Path(config))
        queues = queues_of(values)
        values.pop("queues", None)
        return cls(AppConfig(adapter_config(values), queues))

    async def open(self) -> None:
        """Open everything and register all workers, without starting them. If that fails, what was
        opened is closed before the error is raised."""
        async with self._turn:
            self._refuse_closed()
            if self._opened:
                return
            try:
                await self._open()
                await self._register()
            except BaseException:
                await self._close_all()
                raise
            self._opened = True

    async def start(self) -> None:
        """``open``, then start the workers: no job meets a queue whose handlers are not all there."""
        await self.open()
        async with self._turn:
            self._refuse_closed()
            if self._started:
                return
            try:
                for queue in dict.fromkeys(each.queue for each in self.workers if each.options.autorun):
                    await self.manager.start_worker(queue)
            except BaseException:
                await self._close_all()
                raise
            self._started = True
            _log.info("ready: %d workers on %s", len(self.workers), self.provider.name)

    async def close(self) -> None:
        """Let running handlers end, for as long as ``close_timeout_ms``, then close the rest; not
        cut short by a cancellation."""
        with anyio.CancelScope(shield=True):
            async with self._turn:
                if not self._closed:
                    await self._close_all()

    async def run(self, watch: Watch | None = None, *, patient: bool = False) -> None:
        """Start, and close at SIGTERM, SIGINT or an error; ``watch(app)`` is entered before the
        workers start and left when all is closed.

        A second signal ends the waiting for handlers, but not of a ``patient`` one: their jobs are run
        again, by whoever, when their locks are over. Must be called on the main thread, for the signals.
        """
        second = () if patient else (self._closing.cancel,)
        with anyio.CancelScope() as living, heeding(living.cancel, *second):
            await self.open()
            async with watch(self) if watch else contextlib.nullcontext():
                try:
                    await self.start()
                    await anyio.sleep_forever()
                finally:
                    await self.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _open(self) -> None:
        """Opened in this order and closed in the other: handlers that end may still use all of it."""
        self._stack.push_async_callback(self.provider.close)
        await self.provider.init()
        for store in (self.state, self.events):
            self._stack.push_async_callback(store.close)
            await store.open()
        self._stack.push_async_callback(self.manager.close_all)

    async def _register(self) -> None:
        """All of them, before the first is started."""
        handlers = [(worker, _handler(worker)) for worker in self.workers]
        for worker, handler in handlers:
            await self.manager.add_worker(worker.queue, worker.job_name, handler, worker.options)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ClosedError("this App is closed; make a new one to go on")

    async def _close_all(self) -> None:
        self._closed = True
        if self._opened:
            _log.info("closing; running handlers may end")
        self._closing.deadline = (
            anyio.current_time() + self.config.adapter.close_timeout_ms / 1000 + _CLIENTS_S
        )
        with self._closing:
            await self._stack.aclose()


def _handler(worker: FoundWorker) -> WorkerHandler | ChildHandler:
    return load_handler(worker.path) if worker.runtime == "in-process" else str(worker.path.absolute())
