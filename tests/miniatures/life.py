"""Wrong ways of opening and closing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import anyio

from miniatures.base import Miniature
from nq_conformance.contract import Job, JobInput, JobsQuery, QueueCallback, QueueError, QueueEvent
from nq_reference import background
from nq_reference.engine import EngineWorkerManager
from nq_reference.engine.worker import QueueWorker
from nq_reference.job_source import Claim, ClaimedJob, Exchange, Outcome
from nq_reference.providers.memory import MemoryProvider
from nq_reference.sources.memory import MemorySource


class ForgetsJobsAtEachInit(Miniature):
    """A second init makes the store anew."""

    breaks, tells = "LIFE-01", "get_job finds the job"

    class provider_class(MemoryProvider):
        async def init(self) -> None:
            await super().init()
            await self._source.close()


class ComesBackAfterClose(Miniature):
    """A call after close silently connects again."""

    breaks, tells = "LIFE-03", "enqueue() after close() raises"

    class provider_class(MemoryProvider):
        async def init(self) -> None:
            self._closed = False
            await super().init()


class ClosesWithoutWaiting(Miniature):
    """close_all returns while handlers are running."""

    breaks, tells = "LIFE-05", "close_all waits for the running handler"

    class manager_class(EngineWorkerManager):
        async def close_all(self) -> None:
            self._closed = True
            for worker in self._workers.values():
                background.spawn(lambda w=worker: w.close(2), "closing")  # type: ignore[misc]


class WaitsForAMoment(Miniature):
    """close_all gives handlers 50 ms, and returns while they run."""

    breaks, tells = "LIFE-05", "the running handler, also one that goes on for 500 ms"

    class manager_class(EngineWorkerManager):
        async def close_all(self) -> None:
            closing = background.spawn(super().close_all, "closing")
            with anyio.move_on_after(0.05):
                await closing.wait()


class DrainsTheBacklogBeforeItCloses(Miniature):
    """close_all works off all that waits."""

    breaks, tells = "LIFE-06", "jobs that were started before and during close_all: [1]"

    class worker_class(QueueWorker):
        async def close(self, timeout_s: float) -> None:
            with anyio.move_on_after(1):
                while self.running and (await self._source.counts(self.queue)).waiting:  # noqa: ASYNC110
                    await anyio.sleep(0.005)
            await super().close(timeout_s)


class SeesNothingBeforeInit(Miniature):
    """get_jobs gives an empty list before init, and everything else raises."""

    breaks, tells = "LIFE-02", "get_jobs() raises before init(), or initialises"

    class provider_class(MemoryProvider):
        async def get_jobs(self, queue_name: str, query: JobsQuery | None = None) -> Sequence[Job]:
            if not (self._open or self._closed):
                return []
            return await super().get_jobs(queue_name, query)

        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            if not (self._open or self._closed):
                raise QueueError("not initialised")
            return await super().enqueue(queue_name, job)


class ForgetsWhatCameBeforeInit(Miniature):
    """Before init, pause says nothing and does nothing."""

    breaks, tells = "LIFE-02", "is_paused after pause() returned before init()"

    class provider_class(MemoryProvider):
        async def pause(self, queue_name: str) -> None:
            if self._open or self._closed:
                await super().pause(queue_name)


class WaitsForAPausedQueueToDrain(Miniature):
    """close_all waits until nothing waits any more, also on a queue that is held."""

    breaks, tells = "LIFE-04", "close_all() returns within"

    class worker_class(QueueWorker):
        async def close(self, timeout_s: float) -> None:
            with anyio.move_on_after(20):
                while self.running and await self._is_held_with_a_backlog():  # noqa: ASYNC110
                    await anyio.sleep(0.01)
            await super().close(timeout_s)

        async def _is_held_with_a_backlog(self) -> bool:
            held = await self._source.is_paused(self.queue)
            return held and (await self._source.counts(self.queue)).waiting > 0


class LeavesATaskBehind(Miniature):
    """A task that init started is not stopped."""

    breaks, tells = "LIFE-08", "task 'maintenance'"

    class provider_class(MemoryProvider):
        async def init(self) -> None:
            if not self._open:
                background.spawn(anyio.sleep_forever, "maintenance")
            await super().init()


class LetsTimersFireAfterClose(Miniature):
    """The timer of a delayed job is not ended by close, and tells the subscribers that the job is due."""

    breaks, tells = "LIFE-08", "events that callbacks heard, after close()"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            id = await super().enqueue(queue_name, job)
            if job.opts is not None and job.opts.delay > 0:
                background.spawn(lambda: self._due(queue_name, id, job.opts.delay), "timer")  # type: ignore[union-attr]
            return id

        async def _due(self, queue_name: str, id: str, delay: int) -> None:
            await anyio.sleep(delay / 1000)
            if self._closed:
                for callback in self._listeners.get((queue_name, "waiting"), ()):
                    callback({"job_id": id, "prev": "delayed"})

        def on(self, queue_name: str, event: QueueEvent, callback: QueueCallback) -> Callable[[], None]:
            self._listeners.setdefault((queue_name, event), []).append(callback)
            return super().on(queue_name, event, callback)

        @property
        def _listeners(self) -> dict[tuple[str, str], list[QueueCallback]]:
            listeners: dict[tuple[str, str], list[QueueCallback]] = self.__dict__.setdefault("heard_by", {})
            return listeners


class PausesWithoutThePrefix(Miniature):
    """The pause is kept under the queue's name alone, whatever the namespace."""

    breaks, tells = "LIFE-09", "paused here, and there: (True, False)"

    class provider_class(MemoryProvider):
        held: ClassVar[dict[str, Any]] = {}

        async def pause(self, queue_name: str) -> None:
            await super().pause(queue_name)
            self.held[queue_name] = self

        async def resume(self, queue_name: str) -> None:
            self.held.pop(queue_name, None)
            await super().resume(queue_name)

        async def is_paused(self, queue_name: str) -> bool:
            return await super().is_paused(queue_name) or queue_name in self.held

        async def close(self) -> None:
            for name in [name for name, by in self.held.items() if by is self]:
                del self.held[name]
            await super().close()


class DropsWhatComesInAsItCloses(Miniature):
    """The backend's answers take a moment; jobs that one of them brings after closing has begun are
    dropped."""

    breaks, tells = "LIFE-07", "turns after enqueue, the job is waiting"

    class source_class(MemorySource):
        async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            for _ in range(3):
                await anyio.lowlevel.checkpoint()
            return await super().exchange(queue, outcomes, claim)

    class worker_class(QueueWorker):
        def _begin(self, job: ClaimedJob) -> None:
            if self._accepting:
                super()._begin(job)
