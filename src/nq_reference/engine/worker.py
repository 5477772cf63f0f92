"""One queue's worker: claims jobs, runs them in slots, gives back their outcomes.

A single pump talks to the backend. Each of its turns takes all outcomes that have piled
up and claims for all free slots, in one exchange; what ends while an exchange is under
way goes with the next. So a busy worker pays one round trip for many jobs, and a lone job
never waits for others.
"""

from __future__ import annotations

import logging
import uuid

import anyio
import anyio.lowlevel

from nq_conformance.contract import WorkerOptions
from nq_reference import background
from nq_reference.engine import ticker
from nq_reference.engine.dispatcher import Dispatcher
from nq_reference.engine.lock_keeper import LockKeeper
from nq_reference.engine.pace import Pace
from nq_reference.engine.slots import Slots
from nq_reference.job_source import Claim, ClaimedJob, Exchange, JobSource, Outcome
from nq_reference.runner import Attempt, Runner

logger = logging.getLogger("nq_reference")
SETTLE_TIMEOUT_S = 5.0


class QueueWorker:
    """Runs the jobs of one queue. Made by the manager, which gives it its options."""

    def __init__(self, source: JobSource, queue: str, runner: Runner, options: WorkerOptions) -> None:
        self.queue = queue
        self.options = options
        self.dispatcher = Dispatcher(queue)
        self._source = source
        self._runner = runner
        self._locks = LockKeeper(source, queue, options.lock_duration_ms)
        self._watch = source.watch(queue, self._notify)
        self._worker_id = uuid.uuid4().hex
        self._claims = 0
        self._accepting = False
        self._wake = background.bell()
        self._turn = anyio.Lock()
        self._outcomes: list[Outcome] = []
        self._busy = 0
        self._unbegun: set[str] = set()
        self._pace = Pace(queue, options.drain_delay_ms)
        self._slots = Slots(self._run_job, queue)
        self._pump: background.BackgroundTask | None = None

    # -- life ----------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether it was started and not yet closed."""
        return self._accepting

    @property
    def concurrency(self) -> int:
        """How many handlers may run at once."""
        return self.options.concurrency

    def start(self) -> None:
        """Begin to claim; idempotent."""
        if self._pump is not None:
            return
        self._accepting = True
        self._locks.start()
        self._slots.grow(self.concurrency)
        self._pump = background.spawn_logged(self._run, f"worker of {self.queue}")

    def set_options(self, options: WorkerOptions) -> None:
        """Take options with a concurrency that is no lower than before (CON-02)."""
        self.options = options
        if self.running:
            self._slots.grow(self.concurrency)
            self._notify()

    async def settle(self) -> None:
        """Return once every job claimed so far has begun.

        A pause that has returned must mean that no handler starts any more (PAU-02); a
        claim that was answered just before it may not have reached its handler yet.
        """
        with anyio.move_on_after(SETTLE_TIMEOUT_S):
            async with self._turn:
                claimed = set(self._unbegun)
            while claimed & self._unbegun:
                await anyio.lowlevel.checkpoint()

    async def close(self, timeout_s: float) -> None:
        """Claim nothing more, let running handlers end within ``timeout_s``, record how they
        ended, then let go of everything (LIFE-05 to LIFE-07). Idempotent."""
        self._accepting = False
        self._notify()
        await self._watch.close()
        if self._pump is not None:
            with anyio.move_on_after(timeout_s):
                await self._pump.wait()
            await self._stop_late_ones()
        await self._locks.close()

    async def _stop_late_ones(self) -> None:
        assert self._pump is not None  # noqa: S101 - close() has asked
        with anyio.move_on_after(SETTLE_TIMEOUT_S):  # a handler may be in a thread, or ignore it
            await self._slots.stop()
        if not self._pump.finished:
            with anyio.move_on_after(SETTLE_TIMEOUT_S):
                await self._pump.wait()
        await self._pump.stop()

    # -- the pump ------------------------------------------------------------------------

    async def _run(self) -> None:
        while not self._through:
            self._wake.clear()
            try:
                rest_ms = await self._one_turn()
                self._pace.after_success()
            except Exception as error:
                rest_ms = self._pace.after_error(error)
            if rest_ms > 0:
                await self._wake.wait(rest_ms / 1000)

    async def _one_turn(self) -> float:
        """Exchange once; returns how long to rest unless something happens, in milliseconds."""
        async with self._turn:
            reply = await self._exchange()
            for job in reply.claimed:
                self._begin(job)
        for job in reply.dead:
            await self._runner.stalled_out(self.queue, job)
        if reply.due and self._accepting and await ticker.fire(self._source, self.queue, reply.due):
            return 0
        if self._outcomes or self._through:
            return 0
        if self._accepting and self._free:
            self._watch.arm()
        return ticker.BROKEN_REST_MS if reply.due else self._pace.rest_ms(reply.next_in_ms)

    async def _exchange(self) -> Exchange:
        outcomes, self._outcomes = self._outcomes, []
        self._claims += 1
        claim = Claim(
            want=self._free if self._accepting else 0,
            token=f"{self._worker_id}:{self._claims}",
            lock_duration_ms=self.options.lock_duration_ms,
            max_stalled_count=self.options.max_stalled_count,
        )
        try:
            reply = await self._source.exchange(self.queue, outcomes, claim)
        except BaseException:
            self._outcomes = outcomes + self._outcomes  # told again by the next turn (FLT-04)
            raise
        self._log_refused(outcomes, reply)
        return reply

    def _log_refused(self, outcomes: list[Outcome], reply: Exchange) -> None:
        if all(reply.accepted):
            return
        for outcome, accepted in zip(outcomes, reply.accepted, strict=True):
            if not accepted:
                logger.warning(
                    "the outcome of job %s on queue %r came too late: its lock was lost",
                    outcome.job_id,
                    self.queue,
                )

    def _begin(self, job: ClaimedJob) -> None:
        if not self._accepting:  # claimed while closing began: put back, never dropped (LIFE-07)
            self._outcomes.append(Outcome(job.id, job.token, "release"))
            return
        self._busy += 1
        self._unbegun.add(job.token + job.id)
        self._locks.hold(job)
        self._slots.put(job)

    @property
    def _through(self) -> bool:
        """Whether a closing worker has nothing left to run or to tell."""
        return not (self._accepting or self._busy or self._outcomes)

    def _notify(self) -> None:
        self._wake.ring()

    # -- the slots -----------------------------------------------------------------------

    @property
    def _free(self) -> int:
        return self.options.concurrency - self._busy

    async def _run_job(self, job: ClaimedJob, slot: int) -> None:
        outcome = Outcome(job.id, job.token, "release")  # if it is cancelled before its end
        try:
            outcome = await self._attempt(job, slot)
        finally:
            self._unbegun.discard(job.token + job.id)
            self._locks.let_go(job)
            self._outcomes.append(outcome)
            self._busy -= 1
            self._notify()

    async def _attempt(self, job: ClaimedJob, slot: int) -> Outcome:
        registration = self.dispatcher.find(job.name)
        timeout_ms = job.opts.timeout
        if timeout_ms is None and registration is not None:
            timeout_ms = registration.options.timeout_ms
        return await self._runner.run(
            Attempt(
                job,
                self.queue,
                handler=registration.handler if registration else None,
                missing="" if registration else self.dispatcher.missing(job.name),
                timeout_ms=timeout_ms,
                began=lambda: self._unbegun.discard(job.token + job.id),
                cancelled=lambda: self._slots.cancelled(slot),
            )
        )
