"""Wrong attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import anyio

from miniatures.base import Miniature
from nq_conformance.contract import InvalidJobError, JobState, RunContext
from nq_reference import codec
from nq_reference.engine.worker import QueueWorker
from nq_reference.job_source import Claim, ClaimedJob, Outcome, StoredJob
from nq_reference.retry import is_unrecoverable
from nq_reference.runner import Attempt, Runner, Services, Step
from nq_reference.runner.attempt import AttemptTimeoutError
from nq_reference.sources.memory import JobRecord, MemoryQueue, MemorySource


class TakesNoAttemptsForTwo(Miniature):
    """attempts=0 means retries without saying so."""

    breaks, tells = "RTY-01", "calls of the handler by attempts"

    class queue_class(MemoryQueue):
        def claim(self, claim: Claim, now: int) -> list[ClaimedJob]:
            return [
                replace(job, opts=replace(job.opts, attempts=job.opts.attempts or 2))
                for job in super().claim(claim, now)
            ]


class CountsTheRunningAttempt(Miniature):
    """attempts_made is one too high while an attempt runs."""

    breaks, tells = "RTY-02", "attempts_made while attempts 1 and 2 run"

    class source_class(MemorySource):
        async def list(
            self, queue: str, states: Collection[JobState], offset: int, limit: int | None
        ) -> Sequence[StoredJob]:
            jobs = await super().list(queue, states, offset, limit)
            return [replace(job, attempts_made=job.attempts_made + (job.state == "active")) for job in jobs]


class KeepsTheFirstReason(Miniature):
    """What was written after the first failure stays."""

    breaks, tells = "RTY-03", "failed_reason after three failures"

    class queue_class(MemoryQueue):
        def end(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            first = job.failed_reason
            super().end(job, outcome, now)
            if outcome.kind == "fail" and first and "timeout" not in outcome.text:
                job.failed_reason = first


class ForgetsToCancelARetry(Miniature):
    """A retry that was planned with a backoff is still made after the job has succeeded."""

    breaks, tells = "RTY-03", "calls of a handler that succeeds in attempt 3 of 6"

    class queue_class(MemoryQueue):
        def end(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            again = outcome.kind == "complete" and 1 < job.attempts_made + 1 < job.opts.attempts - 1
            super().end(job, outcome, now)
            if again and job.opts.backoff is not None:
                job.state = "active"
                self.counts["completed"] -= 1
                self.counts["active"] += 1
                del self._finished["completed"][job.id]
                self.delay(job, "retry", now + job.opts.backoff.delay)


class BacksOffByWholeSeconds(Miniature):
    """Any backoff becomes the next full second."""

    breaks, tells = "RTY-04", "second attempts, by their backoff in ms"

    class queue_class(MemoryQueue):
        def retry(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            super().retry(job, replace(outcome, delay=-(-outcome.delay // 1000) * 1000), now)


class CallsATimeoutCancelled(Miniature):
    """The reason does not say that it was the timeout."""

    breaks, tells = "RTY-10", "failed_reason names the timeout"

    class runner_class(Runner):
        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            try:
                return await super()._call(attempt, data, ctx)
            except AttemptTimeoutError:
                raise RuntimeError("cancelled") from None


class DoublesOnceTooOften(Miniature):
    """The first exponential wait is twice the delay."""

    breaks, tells = "RTY-05", "after the first failure with an exponential backoff of 60000 ms"

    class queue_class(MemoryQueue):
        def retry(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            if job.opts.backoff is not None and job.opts.backoff.type == "exponential":
                outcome = replace(outcome, delay=outcome.delay * 2)
            super().retry(job, outcome, now)


class WaitsInThirtyTwoBits(Miniature):
    """A long wait overflows, and the job is retried at once."""

    breaks, tells = "RTY-05", "an exponential backoff of 2147483648 ms"

    class queue_class(MemoryQueue):
        def retry(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            signed = (outcome.delay + 2**31) % 2**32 - 2**31
            super().retry(job, replace(outcome, delay=signed), now)


class AddsTheDelayEachTime(Miniature):
    """The exponential wait grows by the delay and does not double."""

    breaks, tells = "RTY-05", "the wait after failure 3 is 120 ms"

    class queue_class(MemoryQueue):
        def retry(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            backoff = job.opts.backoff
            if backoff is not None and backoff.type == "exponential":
                outcome = replace(outcome, delay=backoff.delay * (job.attempts_made + 1))
            super().retry(job, outcome, now)


class HoldsTheSlotInBackoff(Miniature):
    """The job rests in a slot of the worker, unless that is the only one."""

    breaks, tells = "RTY-06", "becomes delayed"

    class worker_class(QueueWorker):
        async def _attempt(self, job: ClaimedJob, slot: int) -> Outcome:
            outcome = await super()._attempt(job, slot)
            if outcome.kind == "retry" and outcome.delay > 0 and self.concurrency > 1:
                self._outcomes.append(outcome)
                self._notify()
                await anyio.sleep(outcome.delay / 1000)
            return outcome


class ListsAJobInBackoffAsWaiting(Miniature):
    """get_jobs counts only those as delayed that were enqueued with a delay."""

    breaks, tells = "RTY-06", "delayed jobs while three rest"

    class source_class(MemorySource):
        async def list(
            self, queue: str, states: Collection[JobState], offset: int, limit: int | None
        ) -> Sequence[StoredJob]:
            jobs = await super().list(queue, states, offset, limit)
            return [job for job in jobs if len(states) == 6 or not _rests(job)]


def _rests(job: StoredJob) -> bool:
    return job.state == "delayed" and job.attempts_made > 0


class HandsOverTheSameDataAgain(Miniature):
    """The payload is decoded once and given to every attempt, as the one before has left it."""

    breaks, tells = "RTY-08", "attempt 2 is given"

    class runner_class(Runner):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self.data: dict[tuple[str, str, str], Any] = {}

        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            key = attempt.queue, attempt.job.id, attempt.job.data
            return await super()._call(attempt, self.data.setdefault(key, data), ctx)


class DecodesEqualPayloadsOnce(Miniature):
    """Jobs whose payloads are equal share one object."""

    breaks, tells = "RTY-08", "is given"

    class runner_class(Runner):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self.data: dict[tuple[str, int], Any] = {}

        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            key = attempt.job.data, attempt.number
            return await super()._call(attempt, self.data.setdefault(key, data), ctx)


class RetriesTheUnrecoverable(Miniature):
    """An unrecoverable error is one like any other."""

    breaks, tells = "RTY-09", "attempts_made after the contract's UnrecoverableError"

    class runner_class(Runner):
        async def _failed(self, attempt: Attempt, step: Step, error: BaseException) -> Outcome:
            plain = RuntimeError(str(error)) if is_unrecoverable(error) else error
            return await super()._failed(attempt, step, plain)


class LooksForTheAttributeAlone(Miniature):
    """Any error that has an attribute of this name is taken for unrecoverable."""

    breaks, tells = "RTY-09", "an error with unrecoverable = False"

    class runner_class(Runner):
        async def _failed(self, attempt: Attempt, step: Step, error: BaseException) -> Outcome:
            if hasattr(error, "unrecoverable"):
                error.unrecoverable = True
            return await super()._failed(attempt, step, error)


class TidiesUpAfterOthersToo(Miniature):
    """One job that is to be removed takes all that ended like it along."""

    breaks, tells = "RTY-11", "jobs of the queue, one completed removed"

    class queue_class(MemoryQueue):
        def end(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            state: JobState = "completed" if outcome.kind == "complete" else "failed"
            super().end(job, outcome, now)
            if outcome.keep == 0:
                for other in [j for j in self.jobs.values() if j.state == state]:
                    self.remove(other)


class RemovesAtTheFirstFailure(Miniature):
    """remove_on_fail does not wait for the last attempt."""

    breaks, tells = "RTY-11", "becomes delayed"

    class queue_class(MemoryQueue):
        def retry(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            super().retry(job, outcome, now)
            if job.opts.remove_on_fail is True:
                self.remove(job)


class KeepsTheOldest(Miniature):
    """Where several are to be kept and are there, whatever ends goes."""

    breaks, tells = "RTY-12", "of the completed jobs the newest 3 are kept"

    class queue_class(MemoryQueue):
        def end(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            state: JobState = "completed" if outcome.kind == "complete" else "failed"
            if outcome.keep is None or outcome.keep < 2:
                super().end(job, outcome, now)
                return
            super().end(job, replace(outcome, keep=None), now)
            if self.counts[state] > outcome.keep:
                self.remove(job)


class KeepsByTheOrderOfEnqueue(Miniature):
    """The newest is taken to be the one that was enqueued last."""

    breaks, tells = "RTY-12", "of the completed jobs the newest 2 are kept"

    class queue_class(MemoryQueue):
        def end(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            state: JobState = "completed" if outcome.kind == "complete" else "failed"
            super().end(job, replace(outcome, keep=outcome.keep and None), now)
            ended = [j for j in self.jobs.values() if j.state == state]
            for old in ended[: -outcome.keep] if outcome.keep else []:
                self.remove(old)


class LosesASlotToABaseException(Miniature):
    """What is no Exception ends the task that ran the handler."""

    breaks, tells = "RTY-13", "becomes completed or failed"

    class worker_class(QueueWorker):
        async def _attempt(self, job: ClaimedJob, slot: int) -> Outcome:
            outcome = await super()._attempt(job, slot)
            errors: dict[str, BaseException] = self._runner.errors  # type: ignore[attr-defined]
            if job.id in errors:
                raise errors[job.id]
            return outcome

    class runner_class(Runner):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self.errors: dict[str, BaseException] = {}

        async def _failed(self, attempt: Attempt, step: Step, error: BaseException) -> Outcome:
            if not isinstance(error, Exception):
                self.errors[attempt.job.id] = error
            return await super()._failed(attempt, step, error)


class LetsExitOutOfItsTask(Miniature):
    """Each handler has a task of its own; asyncio lets SystemExit out of it into the event loop."""

    breaks, tells = "RTY-13", "SystemExit"

    class runner_class(Runner):
        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            call = super()._call(attempt, data, ctx)
            return await (asyncio.create_task(call) if attempt.timeout_ms is None else call)


class MakesTextOfOddResults(Miniature):
    """A result that JSON can't hold is kept as its repr."""

    breaks, tells = "RTY-13", "whose handler returns an object"

    class runner_class(Runner):
        async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
            result = await super()._call(attempt, data, ctx)
            try:
                codec.encode(result)
            except InvalidJobError:
                return repr(result)
            return result
