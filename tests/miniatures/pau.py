"""Wrong pauses."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import anyio

from miniatures.base import Miniature
from nq_conformance.contract import WorkerHandler, WorkerOptions
from nq_reference.engine import EngineWorkerManager
from nq_reference.engine.worker import QueueWorker
from nq_reference.job_source import Claim, ClaimedJob, Exchange, NewJob, Outcome
from nq_reference.providers.memory import MemoryProvider
from nq_reference.sources.memory import MemoryQueue, MemorySource
from nq_reference.sources.memory.queue import now_ms


class PausesOnlyWorkers(Miniature):
    """The flag is kept with the worker: without one, pause does nothing."""

    breaks, tells = "PAU-01", "is_paused after pause"

    class provider_class(MemoryProvider):
        async def pause(self, queue_name: str) -> None:
            await self._ready(queue_name)
            if any(queue_name in manager._workers for manager in self._managers):
                await super().pause(queue_name)


class TakesOneMoreAfterPause(Miniature):
    """The fetch that was under way still takes a job."""

    breaks, tells = "PAU-02", "starts while paused stay at"

    class queue_class(MemoryQueue):
        taken = False

        def exchange(self, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            if self.paused and claim.want and not self.taken:
                self.paused = False
                reply = super().exchange(outcomes, claim)
                self.paused, self.taken = True, bool(reply.claimed)
                return reply
            return super().exchange(outcomes, claim)


class ForgetsJobsThatCameWhilePaused(Miniature):
    """A job that comes while the queue is paused is stored, and given to no worker ever."""

    breaks, tells = "PAU-04", "12 runs of the handler"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            super().add(new)
            if self.paused:
                self._waiting = [entry for entry in self._waiting if entry[2].id != new.id]
                heapq.heapify(self._waiting)


class CancelsRunningHandlers(Miniature):
    """A pause breaks off what runs."""

    breaks, tells = "PAU-03", "becomes completed"
    also = ("CNT-04", "LIFE-04")
    because = "they look at a job that was running when its queue was paused"

    class worker_class(QueueWorker):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.scopes: list[anyio.CancelScope] = []

        async def _attempt(self, job: ClaimedJob, slot: int) -> Outcome:
            with anyio.CancelScope() as scope:
                self.scopes.append(scope)
                return await super()._attempt(job, slot)
            return Outcome(job.id, job.token, "fail", "cancelled by a pause")

        async def settle(self) -> None:
            for scope in self.scopes:
                scope.cancel()
            await super().settle()


class RecordsNothingWhilePaused(Miniature):
    """The outcomes of handlers are kept back until resume."""

    breaks, tells = "PAU-03", "becomes completed"
    also = ("CNT-04", "LIFE-04")
    because = "they look at a job that was running when its queue was paused"

    class queue_class(MemoryQueue):
        def __init__(self) -> None:
            super().__init__()
            self.kept: list[Outcome] = []

        def exchange(self, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            self.kept += outcomes
            if self.paused:
                return Exchange([True] * len(outcomes), ())
            kept, self.kept = self.kept, []
            reply = super().exchange(kept, claim)
            return replace(reply, accepted=reply.accepted[len(kept) - len(outcomes) :])


class WaitsForRunningHandlers(Miniature):
    """pause returns when the last handler has ended."""

    breaks, tells = "PAU-11", "pause() returns within the budget"
    also = ("CNT-04", "LIFE-04", "QRY-13")
    because = "they pause a queue while a handler is running"

    class worker_class(QueueWorker):
        async def settle(self) -> None:
            await super().settle()
            while self._busy:  # noqa: ASYNC110 - no event tells of a slot that is free
                await anyio.sleep(0.01)


class HandsOverAgainOnResume(Miniature):
    """resume gives the worker all jobs that are not finished, those that run among them."""

    breaks, tells = "PAU-05", "jobs of nine that have not run once"

    class source_class(MemorySource):
        async def resume(self, queue: str) -> None:
            q = self.queue(queue)
            for job in q.jobs.values():
                if job.state == "active":
                    q.put_back(job, "release")
            await super().resume(queue)


class AddsASlotForEachResume(Miniature):
    """Each resume starts one more loop that claims and runs."""

    breaks, tells = "PAU-05", "after many resumes"

    class manager_class(EngineWorkerManager):
        def resumed(self, queue_name: str) -> None:
            super().resumed(queue_name)
            worker = self._workers.get(queue_name)
            if worker is not None:
                worker.set_options(replace(worker.options, concurrency=worker.concurrency + 1))


class StartsWhatIsRegistered(Miniature):
    """A new registration ends the pause."""

    breaks, tells = "PAU-06", "registered on a paused queue"

    class manager_class(EngineWorkerManager):
        async def register_worker(
            self,
            queue_name: str,
            job_name: str,
            handler: WorkerHandler | str,
            opts: WorkerOptions | None = None,
        ) -> None:
            await super().register_worker(queue_name, job_name, handler, opts)
            await self._source.resume(queue_name)


class HoldsOnlyTheMainWay(Miniature):
    """What is due or comes back for a retry runs while the queue is paused."""

    breaks, tells = "PAU-07", "jobs started by the time they are due, while paused"

    class queue_class(MemoryQueue):
        def exchange(self, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            if not self.paused:
                return super().exchange(outcomes, claim)
            self.paused, held, self._waiting = False, self._waiting, []
            reply = super().exchange(outcomes, claim)
            self.paused, self._waiting = True, list(heapq.merge(held, self._waiting))
            return reply


class ShiftsDueTimesByThePause(Miniature):
    """The clock of delayed jobs stands still while the queue is paused."""

    breaks, tells = "PAU-07", "the last to start of two jobs that fell due"

    class source_class(MemorySource):
        async def pause(self, queue: str) -> None:
            q: Any = self.queue(queue)
            q.paused_at = now_ms()
            await super().pause(queue)

        async def resume(self, queue: str) -> None:
            q: Any = self.queue(queue)
            if q.paused:
                q._delayed = [_later(entry, now_ms() - q.paused_at) for entry in q._delayed]
            await super().resume(queue)


class MovesAllDelayedJobsOnResume(Miniature):
    """resume makes everything run that has not run."""

    breaks, tells = "PAU-10", "jobs that have run after resume"
    also = ("CNT-04",)
    because = "it counts the delayed jobs after resume"

    class source_class(MemorySource):
        async def resume(self, queue: str) -> None:
            q = self.queue(queue)
            for _, _, job in sorted(q._delayed):
                if job.state == "delayed":
                    q.line_up(job, "promote")
            await super().resume(queue)


def _later(entry: tuple[int, int, Any], ms: int) -> tuple[int, int, Any]:
    due, number, job = entry
    job.due = due + ms
    return due + ms, number, job
