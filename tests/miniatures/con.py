"""Wrong concurrency."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio

from miniatures.base import Miniature
from nq_conformance.contract import WorkerHandler, WorkerOptions
from nq_reference.engine import EngineWorkerManager
from nq_reference.engine.worker import QueueWorker
from nq_reference.job_source import ClaimedJob, Outcome


class GivesEachHandlerItsOwnSlots(Miniature):
    """The concurrency of a queue is the sum of its handlers'."""

    breaks, tells = "CON-01", "handlers of both names running at concurrency 2"

    class manager_class(EngineWorkerManager):
        async def register_worker(
            self,
            queue_name: str,
            job_name: str,
            handler: WorkerHandler,
            opts: WorkerOptions | None = None,
        ) -> None:
            before = self._workers.get(queue_name)
            sum_of_both = (before.concurrency if before else 0) + (opts.concurrency if opts else 1)
            await super().register_worker(queue_name, job_name, handler, opts)
            worker = self._workers[queue_name]
            worker.set_options(replace(worker.options, concurrency=sum_of_both))


class LeaksASlotNowAndThen(Miniature):
    """One failure in fifty leaves its slot taken for good."""

    breaks, tells = "CON-04", "2 starts of the handler"

    class worker_class(QueueWorker):
        failures = 0

        async def _attempt(self, job: ClaimedJob, slot: int) -> Outcome:
            outcome = await super()._attempt(job, slot)
            self.failures += outcome.kind == "fail"
            if outcome.kind == "fail" and self.failures % 50 == 0:
                await anyio.sleep_forever()
            return outcome


class RunsAllQueuesInOneLoop(Miniature):
    """A few slots for all queues together."""

    breaks, tells = "CON-05", "12 runs of the handler"
    also = ("CON-01",)
    because = "its canary runs on another queue, while the slots are taken"

    class manager_class(EngineWorkerManager):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.slots = anyio.Semaphore(2)
            manager = self

            class Worker(self.worker_class):  # type: ignore[misc, name-defined]
                async def _attempt(self, job: ClaimedJob, slot: int) -> Outcome:
                    async with manager.slots:
                        outcome: Outcome = await super()._attempt(job, slot)
                        return outcome

            self.worker_class = Worker
