"""Wrong step events and contexts."""

from __future__ import annotations

from typing import Any

from miniatures.base import Miniature
from nq_conformance.contract import RunContext, StepEventType
from nq_reference.job_source import Outcome
from nq_reference.runner import Attempt, Runner, Services, Step
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
