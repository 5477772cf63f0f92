"""The worker manager: our engine's, with BullMQ's workers in it."""

from __future__ import annotations

from typing import cast

from nq_conformance.contract import WorkerHandler, WorkerOptions
from nq_reference.engine import EngineWorkerManager
from nq_reference.engine.worker import QueueWorker
from nq_reference.job_source import JobSource
from nq_reference.names import check_name
from nq_reference.providers.bullmq.limits import check_queue
from nq_reference.providers.bullmq.queue_worker import BullMQQueueWorker
from nq_reference.providers.bullmq.source import BullMQSource
from nq_reference.runner import Runner, Services


class BullMQWorkerManager(EngineWorkerManager):
    """Registers as the engine's manager does; only the workers are others."""

    def __init__(
        self, source: BullMQSource, services: Services, *, prefix: str, close_timeout_ms: int
    ) -> None:
        super().__init__(
            cast("JobSource", source), services, prefix=prefix, close_timeout_ms=close_timeout_ms
        )
        self._bullmq = source
        self._attempt_runner = Runner(services)

    async def register_worker(
        self,
        queue_name: str,
        job_name: str,
        handler: WorkerHandler,
        opts: WorkerOptions | None = None,
    ) -> None:
        """See ``WorkerManager`` and the engine's; raises ``InvalidJobError`` for a queue name
        that BullMQ does not take."""
        self._require_open()
        check_queue(check_name("queue_name", queue_name))
        check_name("job_name", job_name)
        options = self._checked(opts, handler)
        await self._source.open()
        if queue_name not in self._workers:
            worker = BullMQQueueWorker(self._bullmq, queue_name, self._attempt_runner, options)
            # It has all that the manager asks of the engine's worker.
            self._workers[queue_name] = cast("QueueWorker", worker)
        await super().register_worker(queue_name, job_name, handler, opts)
