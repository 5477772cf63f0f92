"""The tasks in which a worker's handlers run. They last as long as the worker.

A slot that has ended a job takes the next that is ready without giving way to anybody. Before
that it wakes an idle slot, so that the jobs behind it begin even if its own takes long: a
thousand short jobs need few switches between tasks, and a long one holds up nobody.
"""

from __future__ import annotations

import functools
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from nq_reference import background
from nq_reference.job_source import ClaimedJob

logger = logging.getLogger("nq_reference")


class Slots:
    """Runs jobs by ``run``, which is given the job and the number of its slot. ``name`` is for the
    tasks' names. A slot outlives whatever ``run`` raises, but for a cancellation by ``stop`` or by the
    event loop that closes: without it, jobs would be claimed that nobody runs."""

    def __init__(self, run: Callable[[ClaimedJob, int], Awaitable[None]], name: str) -> None:
        self._run = run
        self._name = name
        self._tasks: list[background.BackgroundTask] = []
        self._ready: deque[ClaimedJob] = deque()
        self._idle: list[background.Bell] = []

    def grow(self, concurrency: int) -> None:
        """Be so many at least."""
        while len(self._tasks) < concurrency:
            number = len(self._tasks)
            run = functools.partial(self._slot, number)
            self._tasks.append(background.spawn_logged(run, f"slot {number} of {self._name}"))

    def put(self, job: ClaimedJob) -> None:
        """Let ``job`` begin; the caller sees to it that there are no more jobs than slots."""
        self._ready.append(job)
        if len(self._ready) == 1:  # the slot that is woken for it wakes the next
            self._wake_one()

    def cancelled(self, number: int) -> bool:
        """Whether this slot was stopped, as opposed to a handler that cancels itself."""
        return self._tasks[number].cancel_called

    async def stop(self) -> None:
        """Cancel what still runs, and wait for its end."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            await task.wait()

    async def _slot(self, number: int) -> None:
        bell = background.bell()
        while True:
            try:
                await self._work(bell, number)
            except BaseException as error:
                if self.cancelled(number) or background.ends_this_task(error):
                    raise
                background.recover()
                if bell in self._idle:  # it did not wait to its end
                    self._idle.remove(bell)
                logger.exception("a job broke out of slot %d of %s, which goes on", number, self._name)

    async def _work(self, bell: background.Bell, number: int) -> None:
        while True:
            while self._ready:
                job = self._ready.popleft()
                if self._ready:
                    self._wake_one()
                await self._run(job, number)
            bell.clear()
            self._idle.append(bell)
            await bell.wait()

    def _wake_one(self) -> None:
        if self._idle:
            self._idle.pop().ring()
