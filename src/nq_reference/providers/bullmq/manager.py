"""The worker manager: our engine's, with BullMQ's workers in it."""

from __future__ import annotations

from typing import cast

from nq_conformance.contract import ChildHandler, WorkerHandler, WorkerOptions
from nq_reference.engine import EngineWorkerManager
from nq_reference.engine.worker import QueueWorker
from nq_reference.names import check_name
from nq_reference.providers.bullmq.limits import check_queue
from nq_reference.providers.bullmq.queue_worker import BullMQQueueWorker


class BullMQWorkerManager(EngineWorkerManager):
    """Registers as the engine's manager does; only the workers are others."""

    # It has all that the manager asks of the engine's worker.
    worker_class = cast("type[QueueWorker]", BullMQQueueWorker)

    async def add_worker(
        self,
        queue_name: str,
        job_name: str,
        handler: WorkerHandler | ChildHandler,
        opts: WorkerOptions | None = None,
    ) -> WorkerOptions:
        """See the engine's; raises ``InvalidJobError`` for a queue name
        that BullMQ does not take."""
        self._require_open()
        check_queue(check_name("queue_name", queue_name))
        return await super().add_worker(queue_name, job_name, handler, opts)
