"""One running BullMQ worker: started, watched over, and closed within bounds."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import anyio

from nq_conformance.contract import WorkerOptions
from nq_reference import background
from nq_reference.providers.bullmq.attempts import Attempts
from nq_reference.providers.bullmq.bull_worker import BullWorker, Crew
from nq_reference.providers.bullmq.source import BullMQSource
from nq_reference.sources.redis.connections import stop

logger = logging.getLogger("nq_reference.bullmq")
SETTLE_TIMEOUT_S = 5.0


class Shift:
    """Up to ``concurrency`` jobs of one queue at once, for as long as it is not closed."""

    def __init__(
        self,
        source: BullMQSource,
        queue: str,
        attempts: Attempts,
        options: WorkerOptions,
        concurrency: int,
    ) -> None:
        self._attempts = attempts
        self._options = options
        self._concurrency = concurrency
        self._crew = Crew(source.url, source.prefix, queue, self._process, attempts.stalled_out)
        self._worker = BullWorker(self._crew, options, concurrency)
        self._task = asyncio.create_task(self._run(), name=f"BullMQ worker of {queue}")
        self._closed: asyncio.Event | None = None
        self._forced = False

    async def settle(self) -> None:
        """Return once every job claimed so far has begun, or after a few seconds at most."""
        with anyio.move_on_after(SETTLE_TIMEOUT_S):
            await self._worker.settle()

    async def close(self, timeout_s: float) -> None:
        """Let running handlers end within ``timeout_s``, put back the jobs of those that do not.
        A concurrent second call returns when the first has done its work."""
        if self._closed is not None:
            await self._closed.wait()
            return
        self._closed = asyncio.Event()
        if not self._worker.running:
            await stop(self._task)  # it has not connected yet, or waits to try again
        finished = background.spawn_logged(self._worker.finish, f"closing of {self._task.get_name()}")
        with anyio.move_on_after(timeout_s):
            await finished.wait()
        if not finished.finished:
            await self._break_off(finished)
        await stop(self._task)
        self._closed.set()

    async def _break_off(self, finished: background.BackgroundTask) -> None:
        """Cancel what still runs. A handler that will not be cancelled goes on alone; its outcome
        is refused once its job's lock is gone."""
        self._forced = True
        self._worker.cancelProcessing()
        with anyio.move_on_after(SETTLE_TIMEOUT_S):
            await finished.wait()
        if not finished.finished:
            await finished.stop()
            await self._worker.lockManager.give_up()
            await self._worker.backend.close(force=True)

    async def _run(self) -> None:
        """Keep a worker at work: BullMQ's ends if the server is away when it starts."""
        failures = 0
        while True:
            try:
                await self._worker.run()
            except Exception as error:
                logger.warning("the BullMQ worker of queue %r failed: %r", self._crew.queue, error)
            if self._closed is not None:
                return
            await asyncio.sleep(background.pause_after(failures))
            failures += 1
            await self._replace()

    async def _replace(self) -> None:
        """A worker that has ended renews no locks when it is run again."""
        old, self._worker = self._worker, BullWorker(self._crew, self._options, self._concurrency)
        await old.close(force=True)

    async def _process(self, job: Any, token: str) -> Any:
        worker = self._worker
        try:
            return await self._attempts.make(
                job, token, began=lambda: worker.began(job), cancelled=lambda: self._forced
            )
        except asyncio.CancelledError:
            await worker.release(job, token)  # (LIFE-07)
            raise
