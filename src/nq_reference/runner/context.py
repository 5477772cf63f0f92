"""What a handler is given beside its input (seed section 5, CTX-*)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nq_conformance.contract import EventManager, FlowEngine, JSONValue, QueueError, StateProvider
from nq_reference.names import escape
from nq_reference.runner.bus import StepBus
from nq_reference.runner.step import Step

logger = logging.getLogger("nq_reference.handlers")
_LEVELS = {"debug": 10, "info": 20, "warn": 30, "warning": 30, "error": 40, "critical": 50}


@dataclass(frozen=True, slots=True)
class Services:
    """What contexts reach beyond the queue; each may be absent."""

    events: EventManager | None = None
    state: StateProvider | None = None
    flow: FlowEngine | None = None


class Context:
    """One attempt, as its handler sees it. Implements ``RunContext``."""

    __slots__ = ("_bus", "_services", "_step")

    def __init__(self, step: Step, services: Services, bus: StepBus) -> None:
        self._step = step
        self._services = services
        self._bus = bus

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self._step.job_id

    @property
    def queue(self) -> str:
        """The queue's name."""
        return self._step.queue

    @property
    def flow_id(self) -> str:
        """The flow this step belongs to: the payload's, or one derived from the job."""
        return self._step.flow_id

    @property
    def flow_name(self) -> str:
        """The flow's name, ``unknown`` if the payload has none."""
        return self._step.flow_name

    @property
    def step_name(self) -> str:
        """The job's name."""
        return self._step.name

    @property
    def step_id(self) -> str:
        """``{flow_id}__{step_name}__attempt-{attempt}``."""
        return self._step.step_id

    @property
    def attempt(self) -> int:
        """The attempt's number, from 1."""
        return self._step.attempt

    @property
    def state(self) -> FlowState:
        """Values shared by the steps of this flow."""
        return FlowState(self._services.state, self._step.flow_id)

    @property
    def logger(self) -> StepLogger:
        """Messages of this attempt."""
        return StepLogger(self._bus, self._step)

    @property
    def flow(self) -> FlowTriggers:
        """Triggers of this flow."""
        return FlowTriggers(self._services.flow, self._bus, self._step)


class FlowState:
    """``ctx.state``: keys are scoped by the flow's id, so that flows can't meet (CTX-03)."""

    def __init__(self, state: StateProvider | None, flow_id: str) -> None:
        self._state = state
        self._scope = escape(flow_id)

    async def get(self, key: str) -> JSONValue:
        """The value under ``key``, ``None`` if there is none."""
        return await self._provider().get(self._key(key))

    async def set(self, key: str, value: JSONValue) -> None:
        """Keep ``value`` for all steps of this flow."""
        await self._provider().set(self._key(key), value)

    async def delete(self, key: str) -> None:
        """Forget ``key``."""
        await self._provider().delete(self._key(key))

    def _key(self, key: str) -> str:
        return f"{self._scope}:{key}"

    def _provider(self) -> StateProvider:
        if self._state is None:
            raise QueueError("ctx.state needs a state provider; give one to the worker manager as `state`")
        return self._state


class StepLogger:
    """``ctx.logger``: to the event bus and to Python's logging; never raises (CTX-04)."""

    def __init__(self, bus: StepBus, step: Step) -> None:
        self._bus = bus
        self._step = step

    async def log(self, level: str, message: str, metadata: Any = None) -> None:
        """Publish ``message`` with whatever ``metadata``."""
        number = _LEVELS.get(str(level).lower(), logging.INFO)
        logger.log(number, "%s: %s", self._step.step_id, message)
        data = {"level": level, "message": message, "metadata": metadata}
        await self._bus.publish("log", self._step, data)


class FlowTriggers:
    """``ctx.flow``: hands triggers to the flow engine, whose errors reach the handler (CTX-05)."""

    def __init__(self, engine: FlowEngine | None, bus: StepBus, step: Step) -> None:
        self._engine = engine
        self._bus = bus
        self._step = step

    async def emit(self, trigger: str, payload: Mapping[str, Any] | None = None) -> Any:
        """Emit ``trigger``; the payload's own flow_id, flow_name and step_name win over ours.

        The event ``emit`` is told also if the flow engine then raises.
        """
        if self._engine is None:
            raise QueueError("ctx.flow needs a flow engine; give one to the worker manager as `flow`")
        step = self._step
        full = {"flow_id": step.flow_id, "flow_name": step.flow_name, "step_name": step.name}
        full |= payload or {}
        # Told first, so that it stands before what it brings about, which other processes tell.
        await self._bus.publish("emit", step, {"trigger": trigger, "payload": full})
        return await self._engine.emit(trigger, full)
