"""What a host does for each method: the adapter's objects by number, and its way back to the kit."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from nq_conformance.adapters.adapter import Adapter
from nq_conformance.adapters.host.methods import CONTEXT_FIELDS, PROTOCOL, TO_HOST, TO_KIT
from nq_conformance.adapters.host.peer import Peer
from nq_conformance.adapters.setting import Setting
from nq_conformance.contract import StepEvent

Answer = Callable[..., Awaitable[Any]]


class Hosted:
    """One adapter's providers, managers, subscriptions and running handlers."""

    def __init__(self, adapter: Adapter, peer: Peer) -> None:
        self._adapter = adapter
        self._peer = peer
        self._numbers = itertools.count(1)
        self._providers: dict[int, tuple[Any, Setting]] = {}
        self._managers: dict[int, Any] = {}
        self._subscriptions: dict[int, Callable[[], None]] = {}
        self._runs: dict[int, Any] = {}

    def answers(self) -> Mapping[str, Answer]:
        """A coroutine function for each method that the kit may call."""
        special: dict[str, Answer] = {
            "host.describe": self.describe,
            "provider.open": self.open_provider,
            "provider.on": self.on,
            "provider.off": self.off,
            "provider.ready": self.ready,
            "manager.open": self.open_manager,
            "manager.register_worker": self.register_worker,
            "manager.get_worker": self.get_worker,
        }
        return {name: special.get(name) or self._forwarding(name) for name in TO_HOST}

    async def describe(self) -> dict[str, Any]:
        """Who the adapter is and what it claims."""
        adapter = self._adapter
        return {
            "protocol": PROTOCOL,
            "name": adapter.name,
            "service": str(adapter.service),
            "capabilities": sorted(str(c) for c in adapter.capabilities),
            "asyncBackends": sorted(adapter.async_backends),
            "hasWorkers": adapter.has_workers,
        }

    async def open_provider(self, setting: Mapping[str, Any]) -> int:
        """Make a provider; returns its number."""
        directory = setting.get("directory")
        place = Setting(
            str(setting["namespace"]),
            events=_Bus(self._peer),
            state=_State(self._peer),
            flow=_Flow(self._peer),
            url=setting.get("url"),
            dsn=setting.get("dsn"),
            directory=Path(directory) if directory else None,
        )
        number = next(self._numbers)
        self._providers[number] = (self._adapter.provider(place), place)
        return number

    async def open_manager(self, provider: int) -> int:
        """Make a manager for a provider; returns its number."""
        raw, place = self._providers[provider]
        number = next(self._numbers)
        self._managers[number] = self._adapter.worker_manager(raw, place)
        return number

    async def on(self, provider: int, queue_name: str, event: str, subscription: int) -> None:
        """Subscribe; the kit has chosen the subscription's number."""

        def heard(payload: Any = None) -> None:
            self._peer.tell(TO_KIT["event"], subscription=subscription, payload=payload)

        raw, _ = self._providers[provider]
        self._subscriptions[subscription] = raw.on(queue_name, event, heard)

    async def off(self, subscription: int) -> None:
        """Unsubscribe."""
        self._subscriptions[subscription]()

    async def ready(self, subscription: int) -> None:
        """Wait until the subscription can miss nothing."""
        ready = getattr(self._subscriptions[subscription], "ready", None)
        if ready is not None:
            await ready()

    async def register_worker(
        self, manager: int, queue_name: str, job_name: str, handler: int | str | None, opts: Any
    ) -> None:
        """Register a handler that calls back into the kit, or one that the adapter runs in children."""
        run: Any = _KitHandler(handler, self._run) if isinstance(handler, int) else handler
        raw = self._managers[manager]
        await (
            raw.register_worker(queue_name, job_name, run)
            if opts is None
            else raw.register_worker(queue_name, job_name, run, opts)
        )

    async def get_worker(self, manager: int, queue_name: str, job_name: str) -> Any:
        """What is registered; the contract's method is none to be awaited."""
        return self._managers[manager].get_worker(queue_name, job_name)

    async def _run(self, handler: int, args: tuple[Any, ...]) -> Any:
        run = next(self._numbers)
        data, ctx = (*args, None, None)[:2]
        self._runs[run] = ctx
        context = {name: getattr(ctx, name, None) for name in CONTEXT_FIELDS}
        try:
            return await self._peer.call(
                TO_KIT["handler.run"], run=run, handler=handler, data=data, context=context
            )
        except BaseException:
            # Cancelled, for one: the kit's handler must not go on alone.
            self._peer.tell(TO_KIT["handler.cancel"], run=run)
            raise
        finally:
            del self._runs[run]

    def _forwarding(self, name: str) -> Answer:
        """The method of a provider, a manager or a context that has the name's last part."""
        kind, *path = name.split(".")
        key = {"provider": "provider", "manager": "manager", "context": "run"}[kind]

        async def forward(**params: Any) -> Any:
            target: Any = self._target(kind, params.pop(key))
            for part in path:
                target = getattr(target, part)
            return await target(*_without_absent(params))

        return forward

    def _target(self, kind: str, number: int) -> Any:
        if kind == "provider":
            return self._providers[number][0]
        return self._managers[number] if kind == "manager" else self._runs[number]


class _KitHandler:
    """A handler of the kit, known by the number that the kit gave it."""

    def __init__(self, number: int, run: Callable[[int, tuple[Any, ...]], Awaitable[Any]]) -> None:
        self.kit_number = number
        self._run = run

    async def __call__(self, *args: Any) -> Any:
        """Have the kit run it."""
        return await self._run(self.kit_number, args)


def _without_absent(params: dict[str, Any]) -> list[Any]:
    """Arguments in order, without a last one that was not given: a default is the adapter's."""
    given = list(params.values())
    if given and given[-1] is None and next(reversed(params)) in ("opts", "query", "metadata", "payload"):
        given.pop()
    return given


class _Bus:
    """The kit's event manager, from afar."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def publish_bus(self, event: StepEvent) -> None:
        """See ``EventManager``."""
        await self._peer.call(TO_KIT["bus.publish"], event=event)


class _State:
    """The kit's state provider, from afar."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def get(self, key: str) -> Any:
        """See ``StateProvider``."""
        return await self._peer.call(TO_KIT["state.get"], key=key)

    async def set(self, key: str, value: Any) -> None:
        """See ``StateProvider``."""
        await self._peer.call(TO_KIT["state.set"], key=key, value=value)

    async def delete(self, key: str) -> None:
        """See ``StateProvider``."""
        await self._peer.call(TO_KIT["state.delete"], key=key)


class _Flow:
    """The kit's flow engine, from afar."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def emit(self, trigger: str, payload: Mapping[str, Any]) -> Any:
        """See ``FlowEngine``."""
        return await self._peer.call(TO_KIT["flow.emit"], trigger=trigger, payload=dict(payload))
