"""What happens, as lines of log: on no terminal, or without rich."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from nq_conformance.contract import QueueEvent, QueueProvider
from nq_reference.registry import FoundWorker

_log = logging.getLogger("nq_reference.cli")
_TOLD: dict[QueueEvent, int] = {
    "completed": logging.INFO,
    "failed": logging.ERROR,
    "stalled": logging.WARNING,
}


@asynccontextmanager
async def lines(provider: QueueProvider, workers: Sequence[FoundWorker]) -> AsyncIterator[None]:
    """Log each job of the workers' queues that ends or stalls, of any process."""
    for worker in workers:
        _log.info("%s: %s by %s (%s)", worker.queue, worker.job_name, worker.path, worker.runtime)
    for queue in dict.fromkeys(worker.queue for worker in workers):
        for event in _TOLD:
            await _listen(provider, queue, event)
    yield


async def _listen(provider: QueueProvider, queue: str, event: QueueEvent) -> None:
    def told(payload: dict[str, Any]) -> None:
        reason = f": {payload['failed_reason']}" if event == "failed" else ""
        _log.log(_TOLD[event], "%s: job %s %s%s", queue, payload["job_id"], event, reason)

    unsubscribe = provider.on(queue, event, told)
    ready = getattr(unsubscribe, "ready", None)  # which is optional
    if ready is not None:
        await ready()
