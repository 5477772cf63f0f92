"""Wrong attempts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from miniatures.base import Miniature
from nq_conformance.contract import JobState, RunContext
from nq_reference.job_source import Claim, ClaimedJob, Outcome, StoredJob
from nq_reference.runner import Attempt, Runner
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
