"""BullMQ's worker, with what the contract asks of it beyond BullMQ.

It knows which of its claims have not begun yet, so that a pause can wait for them; it puts
back what it claims while it closes; it renews locks until the last of its jobs has ended; and
it skips ids whose job has vanished.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bullmq import Worker
from bullmq.job_scheduler import JobScheduler
from bullmq.redis_connection import RedisConnection, loadScript

from nq_conformance.contract import WorkerOptions
from nq_reference.providers.bullmq.connections import TIMEOUT_MS, client_name, worker_clients
from nq_reference.providers.bullmq.locks import Locks
from nq_reference.providers.bullmq.series import next_match

logger = logging.getLogger("nq_reference.bullmq")
RETRY_MS = 500
"""How long a worker rests before it asks a server again that it could not reach."""

_LONGEST_CHECK_MS = 30_000
_CHECK_MARGIN_MS = 20
_AGAIN_S = 0.05
_RELEASE = "moveJobFromActiveToWait-9.lua"
_RELEASE_KEYS = ("active", "wait", "stalled", "paused", "meta", "limiter", "prioritized", "marker", "events")


@dataclass(frozen=True, slots=True)
class Crew:
    """What is to be run, and for whom: ``process`` makes an attempt, ``dead`` is told of a job
    that stalled too often, after it was failed."""

    url: str
    prefix: str
    queue: str
    process: Callable[[Any, str], Awaitable[Any]]
    dead: Callable[[Any], Awaitable[None]]


class BullWorker(Worker):  # type: ignore[misc]  # bullmq has no types
    """One of BullMQ's workers, with up to ``concurrency`` jobs at once. Not started by itself."""

    def __init__(self, crew: Crew, options: WorkerOptions, concurrency: int) -> None:
        clients = worker_clients(crew.url, options.drain_delay_ms)
        super().__init__(
            crew.queue, crew.process, _bullmq_options(crew, options, concurrency, clients.commands)
        )
        self._crew = crew
        self._claiming: set[asyncio.Task[Any] | None] = set()
        self._unbegun: set[object] = set()
        self._moved = asyncio.Event()
        self._checking = asyncio.Lock()
        self._series: JobScheduler | None = None
        waiting = RedisConnection(clients.blocking)
        # Every server that is let in (6.2 and later) waits for fractions of a second.
        waiting.capabilities = {"canBlockFor1Ms": False, "canDoubleTimeout": True}
        self.backend.blocking_connection = self.blockingRedisConnection = waiting
        self.clientName = client_name(crew.prefix, crew.queue)
        self.lockManager = Locks(self, options.lock_duration_ms)
        self.on("error", self._log)

    # -- what BullMQ calls ---------------------------------------------------------------

    @property
    def jobScheduler(self) -> JobScheduler:  # noqa: N802 - BullMQ's name
        """What adds the next run of a series."""
        if self._series is None:
            self._series = JobScheduler(self, repeat_strategy=next_match)
        return self._series

    async def getNextJob(self, token: str) -> Any:  # noqa: N802 - BullMQ's name
        """Claim a job, or wait for one; nothing while it closes, however often BullMQ tries."""
        if self.closing:
            return None
        task = asyncio.current_task()
        self._claiming.add(task)
        try:
            return await super().getNextJob(token)
        finally:
            self._claiming.discard(task)

    async def moveToActive(self, token: str) -> Any:  # noqa: N802 - BullMQ's name
        """Claim a job, and know of it until it has begun.

        A claim is told from others by an object of its own: BullMQ gives all claims that it
        makes at once the same token.
        """
        claim = object()
        self._unbegun.add(claim)
        claimed = None
        try:
            claimed = await super().moveToActive(token)
            if claimed is not None and claimed.name is None:
                await self._forget(claimed)
                claimed = None
            elif claimed is not None and self.closing:
                # BullMQ's loop may have ended already, and would drop it (LIFE-07).
                await self.release(claimed, token)
                claimed = None
        finally:
            if claimed is None:
                self._settle(claim)
            else:
                claimed.claim = claim
        return claimed

    async def processJob(self, job: Any, token: str) -> None:  # noqa: N802 - BullMQ's name
        """Make an attempt and record how it ended."""
        try:
            await super().processJob(job, token)
            if job.deferredFailure:
                await self._crew.dead(job)
        finally:
            self.began(job)

    async def runStalledJobsCheck(self) -> None:  # noqa: N802 - BullMQ's name
        """Look for jobs whose worker is gone.

        The mark that keeps others from looking as well ends a little before the next look:
        BullMQ has both at the same moment, so that every other look may come to nothing.
        """
        interval_ms = self.opts["stalledInterval"]
        mark_ms = max(1, interval_ms - min(_CHECK_MARGIN_MS, interval_ms // 2))
        async with self._checking:
            try:
                if not self.closing:
                    await self.backend.moveStalledJobsToWait(self.opts["maxStalledCount"], mark_ms)
            except Exception as error:
                self.emit("error", error)

    # -- what we call --------------------------------------------------------------------

    def began(self, job: Any) -> None:
        """The handler of a claimed job begins, or there is none to begin."""
        self._settle(job.claim)

    async def settle(self) -> None:
        """Return once every claim that is under way has begun or come to nothing (PAU-02)."""
        claimed = set(self._unbegun)
        while claimed & self._unbegun:
            self._moved.clear()
            await self._moved.wait()

    async def finish(self) -> None:
        """Claim nothing more, let what runs end, and only then disconnect.

        BullMQ disconnects while its loop and its timer may still ask the server something,
        which connects again and is never closed. A claim that has had no answer for so long
        that it is being tried again is broken off: the server is away.
        """
        self.closing = True
        patience_ends = time.monotonic() + TIMEOUT_MS / 1000
        while self.running or self.busy:
            # Again and again: redis-py can swallow a cancellation while it connects.
            late = self._claiming if time.monotonic() > patience_ends else ()
            for task in (self.waiting, *late):
                if task is not None:
                    task.cancel()
            if busy := self.busy:
                await asyncio.wait(busy, timeout=_AGAIN_S)
            else:
                await asyncio.sleep(0)
        async with self._checking:
            await self.close()

    @property
    def busy(self) -> set[asyncio.Task[Any]]:
        """What has been begun and has not ended: claims, and jobs in work."""
        return {task for task in self.processing if not task.done()}

    async def release(self, job: Any, token: str) -> None:
        """Put an active job back to the head of its queue; no attempt is counted."""
        script = self.client.register_script(loadScript(_RELEASE))
        keys = [self.keys[name] for name in _RELEASE_KEYS]
        await script(keys=keys, args=[job.id, token, self.backend.toKey(job.id)])

    def _settle(self, claim: object) -> None:
        self._unbegun.discard(claim)
        self._moved.set()

    async def _forget(self, job: Any) -> None:
        """Take an id without a job out of the queue, and what the claim has made of it (FLT-06)."""
        logger.warning("skipped job %s on queue %r: its record is gone", job.id, self.name)
        key = self.backend.toKey(job.id)
        async with self.client.pipeline(transaction=True) as pipe:
            pipe.lrem(self.keys["active"], 1, job.id)
            pipe.srem(self.keys["stalled"], job.id)
            pipe.delete(key, f"{key}:lock")
            await pipe.execute()

    def _log(self, error: object, job: Any = None) -> None:
        of = f" about job {job.id}" if job is not None else ""
        logger.warning("the BullMQ worker of queue %r tells%s: %r", self.name, of, error)


def _bullmq_options(crew: Crew, options: WorkerOptions, concurrency: int, commands: Any) -> dict[str, Any]:
    lock_ms = options.lock_duration_ms
    return {
        "connection": commands,
        "prefix": crew.prefix,
        "autorun": False,
        "concurrency": concurrency,
        "lockDuration": lock_ms,
        "maxStalledCount": options.max_stalled_count,
        # A lost worker's job is marked by one look and taken back by a later one.
        "stalledInterval": max(1, min(lock_ms // 2, _LONGEST_CHECK_MS)),
        "drainDelay": options.drain_delay_ms / 1000,  # seconds, alone among BullMQ's options
        "runRetryDelay": RETRY_MS,
    }
