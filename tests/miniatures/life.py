"""Wrong ways of opening and closing."""

from __future__ import annotations

import anyio

from miniatures.base import Miniature
from nq_reference import background
from nq_reference.engine import EngineWorkerManager
from nq_reference.engine.worker import QueueWorker
from nq_reference.providers.memory import MemoryProvider


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


class DrainsTheBacklogBeforeItCloses(Miniature):
    """close_all works off all that waits."""

    breaks, tells = "LIFE-06", "jobs that were started before and during close_all: [1]"

    class worker_class(QueueWorker):
        async def close(self, timeout_s: float) -> None:
            with anyio.move_on_after(1):
                while self.running and (await self._source.counts(self.queue)).waiting:
                    await anyio.sleep(0.005)
            await super().close(timeout_s)
