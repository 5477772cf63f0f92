"""Renews the locks of running jobs, so that a long handler is not taken for a dead one (STL-02)."""

from __future__ import annotations

import logging

import anyio

from nq_reference import background
from nq_reference.job_source import ClaimedJob, JobSource

logger = logging.getLogger("nq_reference")


class LockKeeper:
    """Holds the locks of one worker's jobs."""

    def __init__(self, source: JobSource, queue: str, lock_duration_ms: int) -> None:
        self._source = source
        self._queue = queue
        self._lock_duration_ms = lock_duration_ms
        self._tokens: dict[str, str] = {}
        self._task: background.BackgroundTask | None = None

    def start(self) -> None:
        """Begin to renew, twice in each lock's life so that one lost renewal does no harm."""
        self._task = background.spawn_logged(self._run, f"locks of {self._queue}")

    def hold(self, job: ClaimedJob) -> None:
        """Keep the lock of a job that begins."""
        self._tokens[job.id] = job.token

    def let_go(self, job: ClaimedJob) -> None:
        """Stop renewing for a job that ended; another claim of the same id is not touched."""
        if self._tokens.get(job.id) == job.token:
            del self._tokens[job.id]

    async def close(self) -> None:
        """Stop renewing."""
        if self._task is not None:
            await self._task.stop()

    async def _run(self) -> None:
        while True:
            await anyio.sleep(self._lock_duration_ms / 2000)
            if self._tokens:
                await self._renew()

    async def _renew(self) -> None:
        held = list(self._tokens.items())
        try:
            lost = await self._source.extend_locks(self._queue, held, self._lock_duration_ms)
        except Exception as error:
            logger.warning("could not renew %d locks of queue %r: %r", len(held), self._queue, error)
            return
        for job_id in lost:
            # The job may be running elsewhere already. Its outcome here will be refused.
            logger.warning("lost the lock of job %s on queue %r", job_id, self._queue)
