"""One queue's worker: what our manager starts, grows, settles and closes."""

from __future__ import annotations

import anyio

from nq_conformance.contract import WorkerOptions
from nq_reference.engine.dispatcher import Dispatcher
from nq_reference.providers.bullmq.attempts import Attempts
from nq_reference.providers.bullmq.shift import Shift
from nq_reference.providers.bullmq.source import BullMQSource
from nq_reference.runner import Runner


class BullMQQueueWorker:
    """Runs the jobs of one queue in BullMQ workers.

    One of them, as a rule. BullMQ's worker does not look at a raised concurrency before one of
    its jobs ends, so that a later registration that asks for more gets another for the rest.
    """

    def __init__(self, source: BullMQSource, queue: str, runner: Runner, options: WorkerOptions) -> None:
        self.queue = queue
        self.options = options
        self.dispatcher = Dispatcher(queue)
        self._source = source
        self._attempts = Attempts(queue, self.dispatcher, runner)
        self._shifts: list[Shift] = []
        self._closed = False

    @property
    def running(self) -> bool:
        """Whether it was started and not yet closed."""
        return bool(self._shifts) and not self._closed

    @property
    def concurrency(self) -> int:
        """How many handlers may run at once."""
        return self.options.concurrency

    def start(self) -> None:
        """Begin to claim; idempotent."""
        if not self._shifts and not self._closed:
            self._add(self.options.concurrency)

    def set_options(self, options: WorkerOptions) -> None:
        """Take options with a concurrency that is no lower than before (CON-02)."""
        more = options.concurrency - self.options.concurrency
        self.options = options
        if more > 0 and self.running:
            self._add(more)

    async def settle(self) -> None:
        """Return once every job claimed so far has begun (PAU-02)."""
        for shift in self._shifts:
            await shift.settle()

    async def close(self, timeout_s: float) -> None:
        """Claim nothing more, let running handlers end within ``timeout_s``, let go. Idempotent."""
        self._closed = True
        async with anyio.create_task_group() as group:
            for shift in self._shifts:
                group.start_soon(shift.close, timeout_s)

    def _add(self, concurrency: int) -> None:
        self._shifts.append(Shift(self._source, self.queue, self._attempts, self.options, concurrency))
