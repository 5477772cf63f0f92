"""The lab itself: opens what a test needs, closes it afterwards, waits and checks."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeAlias, cast

import anyio
from anyio.abc import TaskGroup, TaskStatus

from nq_conformance.adapters import Adapter, Capability, Setting
from nq_conformance.adapters.host.client import Host
from nq_conformance.adapters.host.lines import UnsendableError, encoded
from nq_conformance.adapters.host.stdio import StdioAdapter
from nq_conformance.clock import REACT, Budget, Clock, MachineWatch
from nq_conformance.contract import QueueProvider, WorkerManager
from nq_conformance.faults import Proxy
from nq_conformance.history import History
from nq_conformance.lab.bus import Bus, RecordingFlow, RecordingState
from nq_conformance.lab.calls import Calls
from nq_conformance.lab.detour import led_through, target_of
from nq_conformance.lab.facade import ManagerUnderTest, ProviderUnderTest
from nq_conformance.lab.handlers import Body, Gate, Recorder, Run
from nq_conformance.lab.hosts import HostUnderTest
from nq_conformance.lab.judging import check_history
from nq_conformance.lab.queue import Queue
from nq_conformance.violation import Violation

_Where: TypeAlias = tuple[str, str | None, str | None, Path | None]


def make_setting(
    namespace: str,
    *,
    history: History,
    url: str | None = None,
    dsn: str | None = None,
    directory: Path | None = None,
) -> Setting:
    """A test's setting, with an event manager, state provider and flow engine of the kit."""
    return Setting(
        namespace,
        events=Bus(history),
        state=RecordingState(),
        flow=RecordingFlow(),
        url=url,
        dsn=dsn,
        directory=directory,
    )


class Lab:
    """One test's access to one adapter.

    ``seed`` is the run's, for whatever a test draws at random; ``host_command`` starts the
    adapter in another process; ``server_kind`` is how the run came by its server, if it has one
    (url, container, local, embedded or fake). It is used in an ``async with``.
    """

    def __init__(  # noqa: PLR0913 - what the plugin knows and a test does not
        self,
        adapter: Adapter,
        setting: Setting,
        history: History,
        *,
        time_scale: float = 1.0,
        seed: int = 0,
        machine: MachineWatch | None = None,
        host_command: Sequence[str] = (),
        server_kind: str | None = None,
    ) -> None:
        self.adapter = adapter
        self.setting = setting
        self.history = history
        self.seed = seed
        self.server_kind = server_kind
        self.clock = Clock(time_scale, machine)
        self.notes: list[str] = []
        self._calls = Calls(history, self.clock)
        self._changed = anyio.Event()
        self._providers: list[ProviderUnderTest] = []
        self._managers: list[ManagerUnderTest] = []
        self._gates: list[Gate] = []
        self._hosts: list[HostUnderTest] = []
        self._own_hosts: dict[_Where, Host] = {}  # of an adapter that is no Python object
        self._host_command = host_command
        self._tasks: TaskGroup | None = None
        self._queues = 0
        self._canary: tuple[Queue, Recorder] | None = None
        self._canary_lock = anyio.Lock()
        history.on_add = self._wake

    # -- what a test is given -------------------------------------------------------------

    @property
    def bus(self) -> Bus:
        """The step events."""
        assert isinstance(self.setting.events, Bus)
        return self.setting.events

    @property
    def flow(self) -> RecordingFlow:
        """The triggers that handlers emitted."""
        assert isinstance(self.setting.flow, RecordingFlow)
        return self.setting.flow

    @property
    def state(self) -> RecordingState:
        """The values that handlers keep."""
        assert isinstance(self.setting.state, RecordingState)
        return self.setting.state

    @property
    def pid(self) -> int:
        """The process that the test's providers and managers are in: this one, unless the adapter lives
        in hosts alone."""
        host = self._own_hosts.get(_where(self.setting))
        return os.getpid() if host is None else host.pid

    @property
    def log(self) -> Sequence[str]:
        """The last lines that this process has written to stderr, where it is not the kit's."""
        host = self._own_hosts.get(_where(self.setting))
        return () if host is None else host.log

    def claims(self, capability: Capability) -> bool:
        """Whether the adapter declares ``capability``."""
        return capability in {Capability(c) for c in self.adapter.capabilities}

    def can_give(self, value: object) -> bool:
        """Whether the adapter can be given ``value`` as it is. What JSON has no form for can't go to
        one in another process: such a case is left out, and the report says so."""
        if self.adapter.shares_objects:
            return True
        try:
            encoded(value)
        except UnsendableError as error:
            self._leave_out(error)
            return False
        return True

    def can_see(self, what: str) -> bool:
        """Whether ``what``, inside of the adapter's process, can be seen from here. If not, it is left
        out, and the report says so."""
        if not self.adapter.shares_objects:
            self._leave_out(what)
        return self.adapter.shares_objects

    async def new_provider(self, *, init: bool = True, setting: Setting | None = None) -> ProviderUnderTest:
        """One more provider; of this test's setting, if no other is given."""
        raw = await self._raw_provider(setting or self.setting)
        provider = ProviderUnderTest(raw, self._calls)
        self._providers.append(provider)
        if init:
            await provider.init()
        return provider

    async def provider(self) -> ProviderUnderTest:
        """The test's first provider, made and initialised when first asked for."""
        return self._providers[0] if self._providers else await self.new_provider()

    async def new_manager(
        self, provider: ProviderUnderTest | None = None, *, setting: Setting | None = None
    ) -> ManagerUnderTest:
        """One more manager, for the first provider if no other is given; ``setting`` is the provider's."""
        provider = provider or await self.provider()
        raw = await self._raw_manager(provider.raw, setting or self.setting)
        manager = ManagerUnderTest(raw, self._calls)
        self._managers.append(manager)
        return manager

    async def manager(self) -> ManagerUnderTest:
        """The test's first manager, made when first asked for."""
        return self._managers[0] if self._managers else await self.new_manager()

    async def queue(self, name: str | None = None, provider: ProviderUnderTest | None = None) -> Queue:
        """A queue not used before, unless it is named."""
        self._queues += 1
        return Queue(name or f"queue{self._queues}", self, provider or await self.provider())

    async def host(
        self,
        *,
        setting: Setting | None = None,
        env: Mapping[str, str] = MappingProxyType({}),
        through: Sequence[str] = (),
    ) -> HostUnderTest:
        """One more process with the adapter in it, on this test's setting if no other is given; ``env``
        is set in its environment, and ``through`` are words before its command."""
        host = await self._start_host(setting or self.setting, env, through)
        under_test = HostUnderTest(host, f"host {len(self._hosts) + 1}", self.history, self.clock)
        self._hosts.append(under_test)
        return under_test

    async def proxied(self) -> tuple[Proxy, Setting]:
        """This test's setting with a proxy before its service, and the proxy, which can break. Raises
        ``Inconclusive`` where it would not lie in the adapter's way, or not be let through."""
        address = self.setting.url or self.setting.dsn
        assert address is not None, "only an adapter with a service has a connection that can break"
        proxy = Proxy(*target_of(address))
        assert self._tasks is not None, "a lab proxies inside its `async with`"
        await self._tasks.start(_keep_open, proxy)
        broken = led_through(address, proxy.port)
        where = {"url": broken} if self.setting.url else {"dsn": broken}
        return proxy, replace(self.setting, **where)  # type: ignore[arg-type]

    def gate(self) -> Gate:
        """A closed gate; opened at the end of the test at the latest."""
        gate = Gate()
        self._gates.append(gate)
        return gate

    def handler(
        self, body: Body | None = None, *, gate: Gate | None = None, name: str = "handler"
    ) -> Recorder:
        """A recording handler that does ``body``, by default returns its input."""
        return Recorder(self, body or _echo, gate, name)

    def failing(self, message: str = "failed on purpose", *, times: int | None = None) -> Recorder:
        """A handler that raises ``RuntimeError(message)`` in its first ``times`` runs, or always."""

        async def body(run: Run) -> Any:
            if times is None or run.number <= times:
                raise RuntimeError(message)
            return run.data

        return Recorder(self, body)

    # -- waiting and checking -------------------------------------------------------------

    async def sees(
        self,
        met: Callable[[], bool],
        *,
        budget: Budget = REACT,
        expected: str,
        seen: Callable[[], str],
        jobs: Sequence[str] = (),
    ) -> None:
        """Wait until ``met``, a condition on what the lab has recorded, is true."""

        async def look() -> bool:
            return met()

        await self.clock.until(
            look, budget=budget, expected=expected, seen=seen, jobs=tuple(jobs), woken=self._change
        )

    async def eventually(
        self,
        met: Callable[[], Awaitable[bool]],
        *,
        budget: Budget = REACT,
        expected: str,
        seen: Callable[[], str],
        jobs: Sequence[str] = (),
    ) -> None:
        """Wait until ``met``, which asks the adapter, is true."""
        await self.clock.until(met, budget=budget, expected=expected, seen=seen, jobs=tuple(jobs))

    def check(
        self,
        right: bool,
        expected: str,
        seen: object,
        *,
        jobs: Sequence[str] = (),
        hint: str | None = None,
    ) -> None:
        """Raise ``Violation`` unless ``right``."""
        if not right:
            raise Violation(expected=expected, seen=str(seen), jobs=jobs, hint=hint)

    def check_history(self) -> None:
        """Raise ``Violation`` if what has been recorded so far shows a breach that is one in any test;
        no call may be under way."""
        check_history(self.history)

    def equal(self, actual: object, wanted: object, what: str, *, jobs: Sequence[str] = ()) -> None:
        """Raise ``Violation`` unless ``what`` is as wanted, in value and in type of the whole."""
        same = actual == wanted and isinstance(actual, bool) == isinstance(wanted, bool)
        self.check(same, f"{what}: {wanted!r}", repr(actual), jobs=jobs)

    async def raises(self, call: Awaitable[Any], what: str) -> Exception:
        """Await ``call``, which must raise; returns what it raised."""
        try:
            result = await call
        except Violation:
            raise
        except Exception as error:
            return error
        raise Violation(expected=f"{what} raises", seen=f"it returned {result!r}")

    async def canary(self, rounds: int = 3) -> None:
        """Run jobs on another queue, one after the other, to their end.

        What has not happened when they are through was not kept from happening by a lack
        of time: the adapter has accepted, claimed, run and completed jobs meanwhile.
        """
        async with self._canary_lock:  # tests that share a lab send theirs in turn
            if self._canary is None:
                queue = await self.queue("canary")
                self._canary = (queue, await queue.handled())
            queue, handler = self._canary
            for _ in range(rounds):
                done = len(handler.ended)
                await queue.add({"n": "canary"})
                await handler.finished(done + 1)

    @asynccontextmanager
    async def meanwhile(self, call: Callable[[], Coroutine[Any, Any, Any]]) -> AsyncIterator[None]:
        """Run ``call`` beside the block, and wait for it at the block's end."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(call)
                yield
        except BaseExceptionGroup as errors:
            raise _first_leaf(errors) from None

    # -- the end --------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._tasks is not None
        with anyio.CancelScope(shield=True):
            await self.close()
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def close(self) -> None:
        """Open all gates, close all managers, then all providers, end all hosts; each of them once.

        What they raise here is kept as a note and fails no rule: closing has rules of its
        own, and a broken close must not read as a hundred failures.
        """
        for gate in self._gates:
            gate.open()
        closes = [*(m.close_all for m in self._managers), *(p.close for p in self._providers)]
        for close in closes:
            try:
                await close()
            except Exception as error:
                self.notes.append(f"cleaning up after the test, {type(error).__name__}: {error}")
        for host in [*(host.raw for host in self._hosts), *self._own_hosts.values()]:
            await host.close()
        for closed in (self._managers, self._providers, self._hosts, self._own_hosts):
            closed.clear()

    async def _start_host(
        self,
        setting: Setting,
        env: Mapping[str, str] = MappingProxyType({}),
        through: Sequence[str] = (),
    ) -> Host:
        assert self._tasks is not None, "a lab starts hosts inside its `async with`"
        host = await Host.start([*through, *self._host_command], setting, self._tasks, env=env)
        host.peer.on_unsendable = self._leave_out
        return host

    async def _raw_provider(self, setting: Setting) -> QueueProvider:
        """The adapter's own provider, in this process or, of a foreign adapter, in one of its hosts."""
        if not isinstance(self.adapter, StdioAdapter):
            return self.adapter.provider(setting)
        host = self._own_hosts.get(_where(setting))
        if host is None:
            host = self._own_hosts[_where(setting)] = await self._start_host(setting)
        return await host.provider()

    async def _raw_manager(self, provider: Any, setting: Setting) -> WorkerManager:
        if not isinstance(self.adapter, StdioAdapter):
            return self.adapter.worker_manager(provider, setting)
        manager: Any = await self._own_hosts[_where(setting)].manager(provider)
        return cast("WorkerManager", manager)

    def _leave_out(self, what: object) -> None:
        """Note what a rule asks for and an adapter in another process can't be asked."""
        note = f"left out, as the adapter is in another process: {what}"
        if note not in self.notes:
            self.notes.append(note)

    async def _change(self, at_most_s: float) -> None:
        del at_most_s  # the history wakes us; the slow poll is for conditions that time changes
        with anyio.move_on_after(0.05):
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def _where(setting: Setting) -> _Where:
    """What a host is told: the same backend under another address is another place."""
    return setting.namespace, setting.url, setting.dsn, setting.directory


async def _keep_open(proxy: Proxy, *, task_status: TaskStatus[None]) -> None:
    """In a task of its own, as tests that run side by side open and leave theirs in any order."""
    async with proxy:
        task_status.started()
        await anyio.Event().wait()


async def _echo(run: Run) -> Any:
    return run.data


def _first_leaf(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that a reader wants: a violation if there is one, else the first."""
    violations = errors.subgroup(Violation)
    leaf: BaseException = violations or errors
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    return leaf
