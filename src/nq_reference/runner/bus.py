"""Step events on their way to the event manager, whose failures stop here (RUN-05)."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

from nq_conformance.contract import EventManager, StepEvent, StepEventType
from nq_reference import background
from nq_reference.failure import reason_of
from nq_reference.runner.step import Step

logger = logging.getLogger("nq_reference")


class StepBus:
    """Publishes what happens to a step. Without an event manager it does nothing."""

    def __init__(self, events: EventManager | None) -> None:
        self._events = events

    async def started(self, step: Step) -> None:
        """Tell that an attempt begins."""
        if self._events is not None:
            data = {"job_id": step.job_id, "name": step.name, "queue": step.queue}
            await self.publish("step.started", step, data)

    async def completed(self, step: Step, result: Any) -> None:
        """Tell that the handler returned ``result``."""
        if self._events is not None:
            await self.publish("step.completed", step, {"result": result})

    async def failed(self, step: Step, error: BaseException, *, retried: bool) -> None:
        """Tell that an attempt failed, and whether another follows (RUN-02, RUN-06)."""
        if self._events is None:
            return
        data: dict[str, Any] = {
            "error": reason_of(error),
            "stack": "".join(traceback.format_exception(error)),
        }
        if retried:
            data["next_attempt"] = step.attempt + 1
        await self.publish("step.retry" if retried else "step.failed", step, data)

    async def publish(self, kind: StepEventType, step: Step, data: dict[str, Any]) -> None:
        """Hand an event to the event manager; log what it raises, and go on. Raises only a cancellation
        of this task: one that comes of the manager's own affairs is an error like any other."""
        if self._events is None:
            return
        event = StepEvent(kind, step.flow_id, step.flow_name, step.name, step.step_id, step.attempt, data)
        try:
            await self._events.publish_bus(event)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and background.is_cancelled():
                raise
            logger.exception("the event manager did not take %s of %s", kind, step.step_id)
