"""The locks of a BullMQ worker's jobs, renewed for as long as one of them runs."""

from __future__ import annotations

from typing import Any

from bullmq.lock_manager import LockManager


class Locks(LockManager):  # type: ignore[misc]  # bullmq has no types
    """BullMQ's lock manager, which is not closed too early.

    BullMQ closes it when a worker that closes has stopped claiming, while jobs may still run:
    their locks would end, and other workers would take them for stalled (LIFE-05, STL-02).
    """

    def __init__(self, worker: Any, lock_duration_ms: int) -> None:
        super().__init__(
            worker, lock_renew_time=lock_duration_ms // 2, lock_duration=lock_duration_ms, worker_id=worker.id
        )
        self._worker = worker

    async def close(self) -> None:
        """Stop renewing, unless a job is in work; BullMQ calls this again when none is."""
        if not self._worker.busy:
            await super().close()

    async def give_up(self) -> None:
        """Stop renewing, whatever still runs."""
        await super().close()
