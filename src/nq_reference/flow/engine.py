"""Routes triggers to steps. It stores nothing: what it makes are ordinary jobs of the provider."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nq_conformance.contract import JobInput, JobOptions, JSONValue, QueueError, QueueProvider

_log = logging.getLogger("nq_reference.flow")


@dataclass(frozen=True, slots=True, order=True)
class FlowStep:
    """A job of a flow: ``subscribes`` names the triggers that start it, ``entry`` the flow's first;
    ``attempts`` is how many its jobs have."""

    queue: str
    job_name: str
    flow_name: str
    subscribes: tuple[str, ...] = ()
    entry: bool = False
    attempts: int = 1

    def job(self, data: Mapping[str, Any]) -> JobInput:
        """A job of this step."""
        return JobInput(self.job_name, dict(data), JobOptions(attempts=self.attempts))


class QueueFlowEngine:
    """Implements ``FlowEngine`` over any provider.

    A trigger reaches every step that subscribes to it by exactly this name, whatever its flow:
    each gets a job with the payload as its data. The engine knows the steps that it is given,
    so all processes that emit are given the same ones. A handler that is tried again emits again:
    steps are started at least once.
    """

    def __init__(self, provider: QueueProvider, steps: Iterable[FlowStep] = ()) -> None:
        self._provider = provider
        self._subscribers: dict[str, list[FlowStep]] = {}
        self._entries: dict[str, list[FlowStep]] = {}
        for step in sorted(steps):
            self.add(step)

    def add(self, step: FlowStep) -> None:
        """Have ``step`` started from now on."""
        for trigger in dict.fromkeys(step.subscribes):
            self._subscribers.setdefault(trigger, []).append(step)
        if step.entry:
            self._entries.setdefault(step.flow_name, []).append(step)

    async def emit(self, trigger: str, payload: Mapping[str, Any]) -> list[str]:
        """Enqueue a job for each subscriber, in the order of queue and name; returns their ids.

        Without one that is an empty list and no error. Raises what the provider raises; jobs that
        were enqueued before that stay.
        """
        steps = self._subscribers.get(trigger, ())
        if not steps:
            _log.debug("nothing subscribes to the trigger %r", trigger)
        return [await self._provider.enqueue(step.queue, step.job(payload)) for step in steps]

    async def start(self, flow_name: str, data: Mapping[str, JSONValue] | None = None) -> str:
        """Begin a flow: enqueue its entry steps with ``data``; returns the new flow's id.

        Raises ``QueueError`` if no step is the flow's entry.
        """
        entries = self._entries.get(flow_name)
        if not entries:
            known = ", ".join(sorted(self._entries)) or "none"
            raise QueueError(f"no step is the entry of a flow {flow_name!r}; flows with an entry: {known}")
        flow_id = str(uuid.uuid4())
        payload = {**(data or {}), "flow_id": flow_id, "flow_name": flow_name}
        for step in entries:
            await self._provider.enqueue(step.queue, step.job(payload))
        return flow_id
