"""From a claimed BullMQ job to the dispatcher and the runner, and back to what BullMQ acts on.

The runner decides what becomes of the job; here the decision is put in the only words that
BullMQ's worker takes: a return value, an error, or an unrecoverable error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bullmq.custom_errors import UnrecoverableError

from nq_conformance.contract import RunContext, WorkerHandler
from nq_reference import codec
from nq_reference.engine.dispatcher import Dispatcher
from nq_reference.job_source import Outcome
from nq_reference.providers.bullmq.records import claimed_job
from nq_reference.runner import Attempt, Runner


class AttemptFailedError(Exception):
    """An attempt failed, and BullMQ is to try again. Its text is the reason that is kept."""


class Attempts:
    """Makes the attempts of one queue."""

    def __init__(self, queue: str, dispatcher: Dispatcher, runner: Runner) -> None:
        self._queue = queue
        self._dispatcher = dispatcher
        self._runner = runner

    async def make(
        self, job: Any, token: str, *, began: Callable[[], None], cancelled: Callable[[], bool]
    ) -> Any:
        """Run the handler of ``job``; returns its result or raises what BullMQ is to go by.

        ``cancelled`` says whether it is the worker that cancels this attempt; that is raised on.
        """
        found = self._dispatcher.find(job.name)
        claimed = claimed_job(job, token)
        watched = _Watched(found.handler) if found else None
        timeout_ms = claimed.opts.timeout
        if timeout_ms is None and found is not None:
            timeout_ms = found.options.timeout_ms
        outcome = await self._runner.run(
            Attempt(
                claimed,
                self._queue,
                handler=watched,
                missing="" if found else self._dispatcher.missing(job.name),
                timeout_ms=timeout_ms,
                began=began,
                cancelled=cancelled,
            )
        )
        if outcome.kind == "complete":
            _keep_completed(job)
            return codec.decode(outcome.text)
        raise _failure(job, outcome) from (watched.error if watched else None)

    async def stalled_out(self, job: Any) -> None:
        """Tell that ``job`` was failed for stalling too often."""
        await self._runner.stalled_out(self._queue, claimed_job(job, ""))


class _Watched:
    """A handler, and the error that it ended with: BullMQ keeps the stack of it."""

    def __init__(self, handler: WorkerHandler) -> None:
        self._handler = handler
        self.cancel_grace_s = getattr(handler, "cancel_grace_s", 0)  # the runner asks for it
        self.error: BaseException | None = None

    async def __call__(self, data: Any, ctx: RunContext) -> Any:
        try:
            return await self._handler(data, ctx)
        except BaseException as error:
            self.error = error
            raise


def _failure(job: Any, outcome: Outcome) -> Exception:
    if outcome.kind != "retry":
        unrecoverable: Exception = UnrecoverableError(outcome.text)
        return unrecoverable
    # Only in this copy of the options: the delay that the runner has worked out, which is
    # finite after any number of failures.
    job.opts["backoff"] = {"type": "fixed", "delay": outcome.delay}
    return AttemptFailedError(outcome.text)


def _keep_completed(job: Any) -> None:
    """BullMQ fails a job whose completion could not be recorded. Rather let its lock run out:
    then it is run again, and never ends as failed although its handler succeeded (FLT-04)."""

    async def refuse(error: Exception, *_: Any) -> None:
        raise error

    job.moveToFailed = refuse
