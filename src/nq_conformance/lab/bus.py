"""The event manager, state provider and flow engine that the kit gives to a manager."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nq_conformance.contract import JSONValue, StepEvent
from nq_conformance.history import History
from nq_conformance.lab.handlers import Gate


class Bus:
    """An event manager that keeps every step event, and raises while ``broken`` is set. ``log`` events
    stop at ``log_gate``, if there is one, before they are kept; ``held`` are those that have come so far."""

    def __init__(self, history: History) -> None:
        self._history = history
        self.events: list[StepEvent] = []
        self.broken = False
        self.log_gate: Gate | None = None
        self.held: list[StepEvent] = []

    async def publish_bus(self, event: StepEvent) -> None:
        """Keep the event; see ``EventManager``."""
        if self.log_gate is not None and getattr(event, "type", None) == "log":
            self.held.append(event)
            await self.log_gate.passed()
        self.events.append(event)
        self._history.add(
            "step",
            str(getattr(event, "type", event)),
            text=f"{getattr(event, 'step_id', '?')}  {_told(getattr(event, 'data', None))}",
            data=event,
        )
        if self.broken:
            raise ConnectionError("the event bus is down (on purpose)")

    def of(self, *types: str, step_name: str | None = None) -> list[StepEvent]:
        """The events of these types, or all, of one step where it is named."""
        return [
            e
            for e in self.events
            if (not types or getattr(e, "type", None) in types)
            and step_name in (None, getattr(e, "step_name", None))
        ]


class RecordingState:
    """A state provider in memory; its values go through JSON like those of a real one.
    It raises while ``broken`` is set. Where there is an ``oracle``, ``get`` asks it instead."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.broken = False
        self.oracle: Callable[[str], Awaitable[JSONValue]] | None = None

    async def get(self, key: str) -> JSONValue:
        """See ``StateProvider``."""
        self._require_whole()
        if self.oracle is not None:
            return await self.oracle(key)
        text = self.values.get(key)
        value: JSONValue = None if text is None else json.loads(text)
        return value

    async def set(self, key: str, value: JSONValue) -> None:
        """See ``StateProvider``."""
        self._require_whole()
        self.values[key] = json.dumps(value)

    async def delete(self, key: str) -> None:
        """See ``StateProvider``."""
        self._require_whole()
        self.values.pop(key, None)

    def _require_whole(self) -> None:
        if self.broken:
            raise ConnectionError("the state provider is down (on purpose)")


class RecordingFlow:
    """A flow engine that keeps what it is given, and raises while ``broken`` is set. Triggers stop at
    ``gate``, if there is one, before they are kept; ``held`` are those that have come so far."""

    def __init__(self) -> None:
        self.emitted: list[tuple[str, dict[str, Any]]] = []
        self.broken = False
        self.gate: Gate | None = None
        self.held: list[str] = []

    async def emit(self, trigger: str, payload: Mapping[str, Any]) -> None:
        """See ``FlowEngine``."""
        if self.broken:
            raise ConnectionError("the flow engine is down (on purpose)")
        if self.gate is not None:
            self.held.append(trigger)
            await self.gate.passed()
        self.emitted.append((trigger, dict(payload)))


def _told(data: object) -> str:
    """An event's data without what the line says already and without stack traces."""
    if not isinstance(data, Mapping):
        return _shortened(data)
    rest = {k: v for k, v in data.items() if k not in ("job_id", "name", "queue", "stack")}
    return _shortened(rest) if rest else ""


def _shortened(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
