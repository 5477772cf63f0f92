"""Runs a handler once, tells the event bus, and says what is to become of the job.

It decides nothing about storage: the outcome goes back to the engine, which hands it to
the backend together with its next claim.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.lowlevel

from nq_conformance.contract import RunContext, WorkerHandler
from nq_reference import background, codec
from nq_reference.failure import reason_of
from nq_reference.job_source import ClaimedJob, Outcome
from nq_reference.retry import backoff_ms, kept, will_retry
from nq_reference.runner.bus import StepBus
from nq_reference.runner.context import Context, Services
from nq_reference.runner.step import Step


class AttemptTimeoutError(Exception):
    """An attempt took longer than its timeout (RTY-10, question 17)."""


class NoHandlerError(Exception):
    """No handler is registered for a job's name (DSP-03, question 7)."""


@dataclass(slots=True)  # not frozen: that triples the cost of making one, and each job needs one
class Attempt:
    """A claimed job with what it takes to run it.

    ``handler`` is ``None`` if there is none, and then ``missing`` says so in words.
    ``began`` is called right before the handler; ``cancelled`` says whether the engine,
    and not the handler, is behind a cancellation.
    """

    job: ClaimedJob
    queue: str
    handler: WorkerHandler | None
    missing: str = ""
    timeout_ms: int | None = None
    began: Callable[[], None] = lambda: None
    cancelled: Callable[[], bool] = lambda: False

    @property
    def number(self) -> int:
        """Which attempt at the job this is, from 1."""
        return self.job.attempts_made + 1


class Runner:
    """Runs attempts with one set of services."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._bus = StepBus(services.events)

    async def run(self, attempt: Attempt) -> Outcome:
        """Make one attempt; whatever its handler raises becomes part of the outcome.

        Raises only a cancellation by the engine or by the event loop that is closing.
        """
        job = attempt.job
        try:
            data = codec.decode(job.data)
        except Exception as error:  # what is stored there, nobody can read
            attempt.began()
            return await self._failed(
                attempt, Step.of(attempt.queue, job.id, job.name, None, attempt.number), error
            )
        step = Step.of(attempt.queue, job.id, job.name, data, attempt.number)
        if attempt.handler is None:
            attempt.began()
            return await self._not_run(attempt, step)
        await self._bus.started(step)
        try:
            result = await self._call(attempt, data, Context(step, self._services, self._bus))
            text = codec.encode(result, "the handler's result")
            if background.is_cancelled():  # by a handler that has not awaited anything since
                await anyio.lowlevel.checkpoint()
        except BaseException as error:
            if attempt.cancelled() or background.ends_this_task(error):
                raise
            background.recover()
            return await self._failed(attempt, step, error)
        await self._bus.completed(step, result)
        return Outcome(job.id, job.token, "complete", text, keep=kept(job.opts.remove_on_complete))

    async def stalled_out(self, queue: str, job: ClaimedJob) -> None:
        """Tell that a job was failed for stalling too often (question 10)."""
        step = Step.of(queue, job.id, job.name, codec.decode(job.data), job.attempts_made + 1)
        error = RuntimeError(f'The job "{job.id}" stalled more often than allowed')
        await self._bus.failed(step.without_attempt(), error, retried=False)

    async def _call(self, attempt: Attempt, data: Any, ctx: RunContext) -> Any:
        handler = attempt.handler
        assert handler is not None  # noqa: S101 - run() has asked
        timeout_ms = attempt.timeout_ms
        attempt.began()
        if timeout_ms is None:
            return await handler(data, ctx)
        task = background.spawn(lambda: handler(data, ctx), f"attempt at {attempt.job.id}")
        in_time = False
        try:
            with anyio.move_on_after(timeout_ms / 1000):
                await task.wait()
            in_time = task.finished
        finally:
            # A handler that will not be cancelled goes on alone: its slot is free, and
            # what it returns in the end is looked at by nobody (RTY-10).
            task.cancel()
            await _wait_for_its_end(task, handler)
        if not in_time:
            raise AttemptTimeoutError(f"the handler ran longer than its timeout of {timeout_ms} ms")
        if task.error is not None:
            raise task.error
        return task.value

    async def _failed(self, attempt: Attempt, step: Step, error: BaseException) -> Outcome:
        job = attempt.job
        retried = will_retry(job.opts, attempt.number, error)
        await self._bus.failed(step, error, retried=retried)
        return _failure(attempt, error, retried=retried)

    async def _not_run(self, attempt: Attempt, step: Step) -> Outcome:
        """A missing handler is an ordinary failure, but only its end is told (RUN-08)."""
        error = NoHandlerError(attempt.missing)
        retried = will_retry(attempt.job.opts, attempt.number, error)
        if not retried:
            await self._bus.failed(step.without_attempt(), error, retried=False)
        return _failure(attempt, error, retried=retried)


async def _wait_for_its_end(task: background.BackgroundTask, handler: WorkerHandler) -> None:
    """A handler that has a process to kill says how long that may take at most: its attempt is not
    over before (RPC-10)."""
    grace_s = getattr(handler, "cancel_grace_s", 0)
    if grace_s and not task.finished:
        with anyio.move_on_after(grace_s, shield=True):
            await task.wait()


def _failure(attempt: Attempt, error: BaseException, *, retried: bool) -> Outcome:
    job, reason = attempt.job, reason_of(error)
    if retried:
        delay = backoff_ms(job.opts.backoff, attempt.number)
        return Outcome(job.id, job.token, "retry", reason, delay=delay)
    return Outcome(job.id, job.token, "fail", reason, keep=kept(job.opts.remove_on_fail))
