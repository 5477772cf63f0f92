"""Wrong dispatch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio

from miniatures.base import Miniature
from nq_conformance.contract import RunContext, WorkerHandler, WorkerOptions
from nq_reference import codec
from nq_reference.engine import EngineWorkerManager
from nq_reference.engine.dispatcher import Dispatcher, Registration
from nq_reference.engine.worker import QueueWorker
from nq_reference.job_source import Claim, ClaimedJob, Outcome
from nq_reference.runner import Attempt, Runner
from nq_reference.sources.memory import MemoryQueue, MemorySource
from nq_reference.sources.memory.listening import MemoryWatch


class IgnoresCase(Miniature):
    """Names are looked up in lower case."""

    breaks, tells = "DSP-01", "run of the handler of"

    class worker_class(QueueWorker):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.dispatcher = LowerCaseDispatcher(self.queue)


class LowerCaseDispatcher(Dispatcher):
    """Finds handlers whatever the case of their names."""

    def register(self, job_name: str, registration: Registration) -> None:
        super().register(job_name.lower(), registration)

    def find(self, job_name: str) -> Registration | None:
        return super().find(job_name.lower())


class HandsOverTheJobToo(Miniature):
    """Handlers are called with a third argument."""

    breaks, tells = "DSP-02", "arguments of the handler: 2"

    class runner_class(Runner):
        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            handler: Any = attempt.handler
            return await handler(data, ctx, attempt.job)


class KeepsTheNamesToItself(Miniature):
    """The reason of a job without a handler helps nobody."""

    breaks, tells = "DSP-03", "failed_reason names 'nobody'"

    class worker_class(QueueWorker):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.dispatcher = ReticentDispatcher(self.queue)


class ReticentDispatcher(Dispatcher):
    """Says little."""

    def missing(self, job_name: str) -> str:
        del job_name
        return "unknown job"


class OverlooksTheBacklog(Miniature):
    """Only jobs that come after the registration are run."""

    breaks, tells = "DSP-06", "5 runs of the handler"
    also, because = ("PAU-10",), "its worker, too, is registered when there are jobs already"

    class source_class(MemorySource):
        def watch(self, queue: str, notify: Callable[[], None]) -> MemoryWatch:
            q: Any = self.queue(queue)
            q.overlooked = q._numbers
            return super().watch(queue, notify)

    class queue_class(MemoryQueue):
        overlooked = 0

        def claim(self, claim: Claim, now: int) -> list[ClaimedJob]:
            self._waiting = [entry for entry in self._waiting if entry[2].number > self.overlooked]
            return super().claim(claim, now)


class PausesTheQueueForAutorun(Miniature):
    """A worker that is not to start by itself pauses the queue for everybody."""

    breaks, tells = "DSP-07", "is_paused with autorun=False"

    class manager_class(EngineWorkerManager):
        async def register_worker(
            self,
            queue_name: str,
            job_name: str,
            handler: WorkerHandler | str,
            opts: WorkerOptions | None = None,
        ) -> None:
            await super().register_worker(queue_name, job_name, handler, opts)
            if opts is not None and not opts.autorun:
                await self._source.pause(queue_name)


class GivesUpWithoutAHandler(Miniature):
    """A job that nobody can run is failed, and the worker runs nothing else after it."""

    breaks, tells = "DSP-04", "9 runs of the handler"

    class worker_class(QueueWorker):
        gave_up = False

        async def _attempt(self, job: ClaimedJob, slot: int) -> Outcome:
            known = self.dispatcher.find(job.name) is not None
            if known and self.gave_up:
                await anyio.sleep_forever()
            outcome = await super()._attempt(job, slot)
            self.gave_up = self.gave_up or not known
            return outcome


class KeepsTheFirstHandler(Miniature):
    """Registering again changes nothing."""

    breaks, tells = "DSP-05", "jobs that the old handler was given"

    class worker_class(QueueWorker):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.dispatcher = FaithfulDispatcher(self.queue)


class FaithfulDispatcher(Dispatcher):
    """Keeps what it has."""

    def register(self, job_name: str, registration: Registration) -> None:
        if self.find(job_name) is None:
            super().register(job_name, registration)


class ClearsAllHandlers(Miniature):
    """Registering a name again forgets the other names."""

    breaks, tells = "DSP-05", "1 run of the handler of the other name"

    class worker_class(QueueWorker):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.dispatcher = ForgetfulDispatcher(self.queue)


class ForgetfulDispatcher(Dispatcher):
    """Starts anew when a name comes again."""

    def register(self, job_name: str, registration: Registration) -> None:
        if self.find(job_name) is not None:
            self._registrations.clear()
        super().register(job_name, registration)


class LetsThePayloadChoose(Miniature):
    """A payload with `__jobName` is dispatched by it."""

    breaks, tells = "DSP-08", "jobs that the handler of 'mine' was given"

    class worker_class(QueueWorker):
        async def _attempt(self, job: ClaimedJob, slot: int) -> Outcome:
            data = codec.decode(job.data)
            if isinstance(data, dict) and "__jobName" in data:
                job = replace(job, name=data["__jobName"])
            return await super()._attempt(job, slot)
