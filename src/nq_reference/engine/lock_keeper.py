"""Renews the locks of running jobs, so that a long handler is not taken for a dead one (STL-02)."""

from __future__ import annotations

import logging
import time

import anyio
import anyio.to_thread

from nq_reference import background
from nq_reference.engine.lock_guard import Held, LockGuard
from nq_reference.job_source import ClaimedJob, JobSource

logger = logging.getLogger("nq_reference")
_OVERDUE = 0.6  # of a lock's life since the last renewal, which is due after half of it


class LockKeeper:
    """Holds the locks of one worker's jobs."""

    def __init__(self, source: JobSource, queue: str, lock_duration_ms: int) -> None:
        self._source = source
        self._queue = queue
        self._lock_duration_ms = lock_duration_ms
        self._tokens: dict[str, str] = {}
        self._task: background.BackgroundTask | None = None
        self._guard: LockGuard | None = None
        self._looked_at = time.monotonic()

    def start(self) -> None:
        """Begin to renew, twice in each lock's life so that one lost renewal does no harm."""
        self._looked_at = time.monotonic()
        self._task = background.spawn_logged(self._run, f"locks of {self._queue}")
        if self._source.twin is not None:
            self._guard = LockGuard(self._source.twin, self._queue, self._lock_duration_ms, self._overdue)

    def hold(self, job: ClaimedJob) -> None:
        """Keep the lock of a job that begins. The first one has the guard begin."""
        self._tokens[job.id] = job.token
        if self._guard is not None:
            self._guard.start()

    def let_go(self, job: ClaimedJob) -> None:
        """Stop renewing for a job that ended; another claim of the same id is not touched."""
        if self._tokens.get(job.id) == job.token:
            del self._tokens[job.id]

    async def close(self) -> None:
        """Stop renewing."""
        if self._guard is not None:
            self._guard.ask_to_stop()
        if self._task is not None:
            await self._task.stop()
        if self._guard is not None:
            await anyio.to_thread.run_sync(self._guard.join)

    def _overdue(self) -> Held:
        """What the guard has to renew: called from its thread."""
        if time.monotonic() - self._looked_at < self._lock_duration_ms / 1000 * _OVERDUE:
            return ()
        return list(self._tokens.items())

    async def _run(self) -> None:
        while True:
            await anyio.sleep(self._lock_duration_ms / 2000)
            self._looked_at = time.monotonic()
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
