"""Wrong concurrency."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import anyio

from miniatures.base import Miniature
from nq_conformance.contract import WorkerHandler, WorkerOptions
from nq_reference.engine import EngineWorkerManager
from nq_reference.engine.pace import Pace
from nq_reference.engine.worker import QueueWorker
from nq_reference.job_source import ClaimedJob, JobSource, Outcome
from nq_reference.runner import Runner


class GivesEachHandlerItsOwnSlots(Miniature):
    """The concurrency of a queue is the sum of its handlers'."""

    breaks, tells = "CON-01", "handlers of both names running at concurrency 2"

    class manager_class(EngineWorkerManager):
        async def register_worker(
            self,
            queue_name: str,
            job_name: str,
            handler: WorkerHandler | str,
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


class SharesSlotsOfOneSize(Miniature):
    """Queues with the same concurrency, above one, run in one pool of so many slots."""

    breaks, tells = "CON-05", "12 runs of the handler"

    class manager_class(EngineWorkerManager):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            pools: dict[int, anyio.Semaphore] = {}

            class Worker(self.worker_class):  # type: ignore[misc, name-defined]
                async def _attempt(self, job: ClaimedJob, slot: int) -> Outcome:
                    size = self.concurrency
                    pool = pools.setdefault(size, anyio.Semaphore(size))
                    async with pool if size > 1 else contextlib.nullcontext():
                        outcome: Outcome = await super()._attempt(job, slot)
                        return outcome

            self.worker_class = Worker


class KeepsTheFirstConcurrency(Miniature):
    """What later registrations ask for is ignored."""

    breaks, tells = "CON-02", "3 starts of the handler"

    class manager_class(EngineWorkerManager):
        async def register_worker(
            self,
            queue_name: str,
            job_name: str,
            handler: WorkerHandler | str,
            opts: WorkerOptions | None = None,
        ) -> None:
            before = self._workers.get(queue_name)
            first = before.options if before else None
            await super().register_worker(queue_name, job_name, handler, opts)
            if first is not None:
                self._workers[queue_name].options = first


class TakesTheLatestConcurrency(Miniature):
    """Reports the latest registration's number, although the maximum runs."""

    breaks, tells = "CON-02", "get_worker().concurrency by job name"
    also = ("DSP-05",)
    because = "it is a field of get_worker"

    class manager_class(EngineWorkerManager):
        def get_worker(self, queue_name: str, job_name: str) -> Any:
            info = super().get_worker(queue_name, job_name)
            worker = self._workers.get(queue_name)
            found = worker.dispatcher.find(job_name) if worker else None
            return replace(info, concurrency=found.options.concurrency) if info and found else info


class TakesZeroForOne(Miniature):
    """`concurrency or 1`."""

    breaks, tells = "CON-03", "register_worker with concurrency=0 raises"

    class manager_class(EngineWorkerManager):
        async def register_worker(
            self,
            queue_name: str,
            job_name: str,
            handler: WorkerHandler | str,
            opts: WorkerOptions | None = None,
        ) -> None:
            if opts is not None:
                opts = replace(opts, concurrency=opts.concurrency or 1)
            await super().register_worker(queue_name, job_name, handler, opts)


class RoundsItsConcurrency(Miniature):
    """A float is as good as a whole number."""

    breaks, tells = "CON-03", "register_worker with concurrency=2.5 raises"

    class manager_class(EngineWorkerManager):
        async def register_worker(
            self,
            queue_name: str,
            job_name: str,
            handler: WorkerHandler | str,
            opts: WorkerOptions | None = None,
        ) -> None:
            if opts is not None and isinstance(opts.concurrency, float) and opts.concurrency > 1:
                opts = replace(opts, concurrency=2)
            await super().register_worker(queue_name, job_name, handler, opts)


class TakesTheDrainDelayForSeconds(Miniature):
    """Where a drain delay is given, an idle worker sleeps so many seconds, whatever comes."""

    breaks, tells = "CON-07", "start of the handler"

    class worker_class(QueueWorker):
        def __init__(self, source: JobSource, queue: str, runner: Runner, options: WorkerOptions) -> None:
            super().__init__(source, queue, runner, options)
            if options.drain_delay_ms != WorkerOptions().drain_delay_ms:
                self._watch = source.watch(queue, lambda: None)
                self._pace = Pace(queue, options.drain_delay_ms * 1000)


class AsksWithoutPause(Miniature):
    """An idle worker asks its backend again and again."""

    breaks, tells = "CON-07", "of the time in which all workers are idle"

    class worker_class(QueueWorker):
        async def _one_turn(self) -> float:
            return min(await super()._one_turn(), 0.0001)
