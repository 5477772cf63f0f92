"""Wrong step events and contexts."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from miniatures.base import Miniature
from nq_conformance.contract import RunContext, StateProvider, StepEvent, StepEventType
from nq_reference import codec
from nq_reference.job_source import Outcome
from nq_reference.runner import Attempt, Runner, Services, Step
from nq_reference.runner.attempt import NoHandlerError
from nq_reference.runner.bus import StepBus
from nq_reference.runner.context import FlowState


class TellsTheFirstStartOnly(Miniature):
    """step.started is told once per job and not once per attempt."""

    breaks, tells = "RUN-01", "step.started events when attempts 1, 2 and 3 begin"

    class runner_class(Runner):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self._bus = FirstStartBus(services.events)


class FirstStartBus(StepBus):
    """Leaves out later starts."""

    async def started(self, step: Step) -> None:
        if step.attempt == 1:
            await super().started(step)


class AlwaysTellsRetry(Miniature):
    """The runner does not know how many attempts there are."""

    breaks, tells = "RUN-02", "retry and failed events of the job 'twice'"

    class runner_class(Runner):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self._bus = RetryBus(services.events)


class RetryBus(StepBus):
    """Takes every failure for one that is retried."""

    async def failed(self, step: Step, error: BaseException, *, retried: bool) -> None:
        del retried
        await super().failed(step, error, retried=True)


class FailsJobsWithTheBus(Miniature):
    """completed is published inside the try: a bus that is down fails the job."""

    breaks, tells = "RUN-05", "state and result"

    class runner_class(Runner):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self._bus = NotingBus(services.events)

        async def run(self, attempt: Attempt) -> Outcome:
            outcome = await super().run(attempt)
            if self._bus.broken:  # type: ignore[attr-defined]
                return Outcome(outcome.job_id, outcome.token, "fail", "the event bus is down")
            return outcome


class NotingBus(StepBus):
    """Remembers that the event manager raised."""

    broken = False

    async def publish(self, kind: StepEventType, step: Step, data: dict[str, Any]) -> None:
        await super().publish(kind, step, data)
        self.broken = self.broken or bool(getattr(self._events, "broken", False))


class BentEvents:
    """An event manager that changes what it is given, and hands it on."""

    def __init__(self, events: Any, bend: Callable[[StepEvent], StepEvent]) -> None:
        self._events = events
        self._bend = bend

    async def publish_bus(self, event: StepEvent) -> None:
        await self._events.publish_bus(self._bend(event))


class CountsStepIdsFromZero(Miniature):
    """The step id in step events has attempts_made for the attempt."""

    breaks, tells = "RUN-03", "step_id of step.started"

    class runner_class(Runner):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self._bus = StepBus(BentEvents(services.events, one_less))


def one_less(event: StepEvent) -> StepEvent:
    """A step event of an attempt, with the number before it in its step id."""
    head, ending, number = event.step_id.rpartition("__attempt-")
    if not event.type.startswith("step.") or not ending:
        return event
    return replace(event, step_id=f"{head}{ending}{int(number) - 1}")


class NamesTheNextAttemptInRetry(Miniature):
    """step.retry is told as of the attempt that follows."""

    breaks, tells = "RUN-03", "step_id of outcomes"

    class runner_class(Runner):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self._bus = StepBus(BentEvents(services.events, next_in_retry))


def next_in_retry(event: StepEvent) -> StepEvent:
    """step.retry with the number after it in its step id."""
    head, ending, number = event.step_id.rpartition("__attempt-")
    if event.type != "step.retry":
        return event
    return replace(event, step_id=f"{head}{ending}{int(number) + 1}")


class MakesAFlowForEachAttempt(Miniature):
    """A job that names no flow gets a new one each time."""

    breaks, tells = "RUN-04", "one flow_id in 3 attempts"
    also = ("CTX-03",)
    because = "the state of a job without a flow is lost with it"

    class runner_class(Runner):
        async def run(self, attempt: Attempt) -> Outcome:
            data = codec.decode(attempt.job.data)
            if isinstance(data, dict) and ("flow_id" in data or "flowId" in data):
                return await super().run(attempt)
            flow = codec.encode({"flow_id": str(uuid.uuid4()), "data": data})
            return await super().run(replace(attempt, job=replace(attempt.job, data=flow)))

        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            made = isinstance(data, dict) and data.keys() == {"flow_id", "data"}
            return await super()._call(attempt, data["data"] if made else data, ctx)


class LosesWordlessErrors(Miniature):
    """An error is told as its message, which may be empty."""

    breaks, tells = "RUN-06", "the error in step.retry says 'SilentError'"

    class runner_class(Runner):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self._bus = LaconicBus(services.events)


class LaconicBus(StepBus):
    """Takes the message for the error."""

    async def failed(self, step: Step, error: BaseException, *, retried: bool) -> None:
        try:
            words = str(error)
        except Exception:
            words = "?"
        bus = StepBus(BentEvents(self._events, lambda event: saying(event, words)))
        await bus.failed(step, error, retried=retried)


def saying(event: StepEvent, words: str) -> StepEvent:
    """The event with these words for its error."""
    return replace(event, data={**event.data, "error": words})


class TellsTheStackAtTheEndOnly(Miniature):
    """step.retry has an error and no stack."""

    breaks, tells = "RUN-06", "the stack in step.retry names ValueError"

    class runner_class(Runner):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self._bus = StepBus(BentEvents(services.events, stackless_retry))


def stackless_retry(event: StepEvent) -> StepEvent:
    """step.retry without what is long in it."""
    if event.type != "step.retry":
        return event
    return replace(event, data={key: value for key, value in event.data.items() if key != "stack"})


class TellsNothingOfLists(Miniature):
    """Where the payload is a list, the bus trips over it, and the job runs unseen."""

    breaks, tells = "RUN-07", "outcome(s) told of the step"

    class runner_class(Runner):
        async def run(self, attempt: Attempt) -> Outcome:
            data = codec.decode(attempt.job.data)
            if not isinstance(data, list) or attempt.handler is None:
                return await super().run(attempt)
            return await Runner(replace(self._services, events=None)).run(attempt)


class TellsEachMissingAttempt(Miniature):
    """A job without a handler is told as failed once per attempt."""

    breaks, tells = "RUN-08", "final step events"

    class runner_class(Runner):
        async def _not_run(self, attempt: Attempt, step: Step) -> Outcome:
            outcome = await super()._not_run(attempt, step)
            if outcome.kind == "retry":
                error = NoHandlerError(attempt.missing)
                await self._bus.failed(step.without_attempt(), error, retried=False)
            return outcome


class IsSilentAboutMissingHandlers(Miniature):
    """A job without a handler fails unseen."""

    breaks, tells = "RUN-08", "1 outcome(s) told of the step 'nobody 1'"

    class runner_class(Runner):
        async def _not_run(self, attempt: Attempt, step: Step) -> Outcome:
            quiet = Runner(replace(self._services, events=None))
            return await quiet._not_run(attempt, step)


class BentContext:
    """A context with some attributes replaced."""

    def __init__(self, ctx: RunContext, **replaced: Any) -> None:
        self._ctx = ctx
        self._replaced = replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced[name] if name in self._replaced else getattr(self._ctx, name)


class CountsAttemptsFromZero(Miniature):
    """ctx.attempt is attempts_made."""

    breaks, tells = "CTX-01", "the context of attempt 1"
    also, because = ("RTY-03", "RTY-10"), "their handlers tell attempts apart by it"

    class runner_class(Runner):
        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            bent: Any = BentContext(ctx, attempt=ctx.attempt - 1)
            return await super()._call(attempt, data, bent)


class KeepsOneStateForAllFlows(Miniature):
    """Keys are not scoped by flow."""

    breaks, tells = "CTX-03", "the key's value in flow-a"

    class runner_class(Runner):
        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            bent: Any = BentContext(ctx, state=FlowState(self._services.state, "one for all"))
            return await super()._call(attempt, data, bent)


class JoinsFlowAndKeyWithAColon(Miniature):
    """Whatever colons flow and key have of their own."""

    breaks, tells = "CTX-03", "the value of 'b:c' in the flow 'a'"

    class runner_class(Runner):
        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            bent: Any = BentContext(ctx, state=JoinedState(self._services.state, ctx.flow_id))
            return await super()._call(attempt, data, bent)


class JoinedState(FlowState):
    """Without an escape."""

    def __init__(self, state: StateProvider | None, flow_id: str) -> None:
        super().__init__(state, flow_id)
        self._scope = flow_id


class ForgetsToDelete(Miniature):
    """delete does nothing."""

    breaks, tells = "CTX-02", "values after the first key was deleted"

    class runner_class(Runner):
        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            bent: Any = BentContext(ctx, state=LastingState(self._services.state, ctx.flow_id))
            return await super()._call(attempt, data, bent)


class LastingState(FlowState):
    """Keeps all; asks its provider only whether it is there."""

    async def delete(self, key: str) -> None:
        await self.get(key)


class HasAStateOfItsOwn(Miniature):
    """Values stay in the worker and never reach the state provider."""

    breaks, tells = "CTX-02", "values in the state provider"
    also = ("CTX-05",)
    because = "a provider that is not asked can't raise"

    class runner_class(Runner):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self.values: dict[str, Any] = {}

        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            bent: Any = BentContext(ctx, state=FlowState(OwnState(self.values), ctx.flow_id))
            return await super()._call(attempt, data, bent)


class OwnState:
    """A dict."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    async def get(self, key: str) -> Any:
        return codec.decode(self._values.get(key, "null"))

    async def set(self, key: str, value: Any) -> None:
        self._values[key] = codec.encode(value)

    async def delete(self, key: str) -> None:
        self._values.pop(key, None)


class LogsDictsOnly(Miniature):
    """Metadata that is no dict is a TypeError."""

    breaks, tells = "CTX-04", "a job that logs a list"

    class runner_class(Runner):
        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            bent: Any = BentContext(ctx, logger=StrictLogger(ctx))
            return await super()._call(attempt, data, bent)


class StrictLogger:
    """Spreads its metadata."""

    def __init__(self, ctx: RunContext) -> None:
        self._logger = ctx.logger

    async def log(self, level: str, message: str, metadata: Any = None) -> None:
        await self._logger.log(level, message, {**(metadata or {})})


class LogsOfTheFirstAttempt(Miniature):
    """Logs are told as of attempt 1, whichever it is."""

    breaks, tells = "CTX-04", "step_id, attempt, message and level"

    class runner_class(Runner):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self._bus = StepBus(BentEvents(services.events, first_in_logs))


def first_in_logs(event: StepEvent) -> StepEvent:
    """A log as of the first attempt."""
    return replace(event, attempt=1) if event.type == "log" else event


class SwallowsTheErrorsOfEmit(Miniature):
    """An emit that fails is as good as one that does not."""

    breaks, tells = "CTX-05", "emit raises an error"

    class runner_class(Runner):
        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            bent: Any = BentContext(ctx, flow=CarelessFlow(ctx))
            return await super()._call(attempt, data, bent)


class CarelessFlow:
    """Looks at no answer."""

    def __init__(self, ctx: RunContext) -> None:
        self._flow = ctx.flow

    async def emit(self, trigger: str, payload: Any = None) -> None:
        try:
            await self._flow.emit(trigger, payload)
        except Exception:
            return


class OverwritesTheNamesInEmit(Miniature):
    """The flow of a payload is always this one."""

    breaks, tells = "CTX-05", "flow_id, flow_name and step_name in the four payloads"

    class runner_class(Runner):
        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            bent: Any = BentContext(ctx, flow=PossessiveFlow(ctx))
            return await super()._call(attempt, data, bent)


class PossessiveFlow:
    """Puts its own names last, where they win."""

    def __init__(self, ctx: RunContext) -> None:
        self._ctx = ctx

    async def emit(self, trigger: str, payload: Any = None) -> None:
        own = {"flow_id": self._ctx.flow_id, "step_name": self._ctx.step_name}
        await self._ctx.flow.emit(trigger, {**(payload or {}), **own})
