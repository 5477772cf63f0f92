"""One queue of a sequence: its model, its handlers, which stop until they are let go, and its looks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from nq_conformance.clock import Budget
from nq_conformance.contract import Job, JobsQuery
from nq_conformance.lab import Gate, Lab, ManagerUnderTest, ProviderUnderTest, Run
from nq_conformance.model.portrait import Portrait, of_adapter, told
from nq_conformance.model.queue_model import QueueModel
from nq_conformance.model.script import Script

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Hold:
    """A handler that runs and waits to be let go; with ``reason`` it raises then."""

    number: int
    gate: Gate
    reason: str | None = None


class Track:
    """A queue that is played on. ``ids`` has what enqueue returned, by the job's number.

    ``concurrency`` is its worker's.
    """

    def __init__(self, name: str, lab: Lab, script: Script, concurrency: int) -> None:
        self.name = name
        self.model = QueueModel(concurrency)
        self.ids: dict[int, str] = {}
        self._lab = lab
        self._script = script
        self._concurrency = concurrency
        self._held: list[Hold] = []
        self._over = False
        self._handler = lab.handler(self._hold)

    async def work(self, manager: ManagerUnderTest) -> None:
        """Register the handler."""
        queue = await self._lab.queue(self.name)
        await queue.work(self._handler, manager=manager, concurrency=self._concurrency)
        self._script.add(f"await work({self.name!r}, {self._concurrency})")

    def let_go(self, number: int, reason: str | None) -> None:
        """Let the running handler of job ``number`` return, or raise ``reason``."""
        hold = next(hold for hold in self._held if hold.number == number)
        hold.reason = reason
        done = f"set_result({number})" if reason is None else f"set_exception(RuntimeError({reason!r}))"
        self._script.add(f"held[{self.name!r}, {number}].{done}")
        hold.gate.open()

    def end(self) -> None:
        """Let all handlers return, those that run and those that start while the adapter is closed."""
        self._over = True
        for hold in self._held:
            hold.gate.open()

    async def look(self, provider: ProviderUnderTest) -> Portrait:
        """What ``provider`` says of the queue; its calls are not told in the history."""
        jobs = await self.list(provider)
        counts = await self._ask(lambda: provider.raw.get_job_counts(self.name), "get_job_counts")
        paused = await self._ask(lambda: provider.raw.is_paused(self.name), "is_paused")
        running = [hold.number for hold in self._held]
        return of_adapter(jobs, counts, paused=paused, running=running, starts=len(self._handler.runs))

    async def settle(self, provider: ProviderUnderTest, budget: Budget, what: str, *, all_due: bool) -> None:
        """Wait until the adapter shows what the model allows, and narrow the model to it.

        ``what`` is the call before. Raises ``Violation``.
        """
        seen: Portrait = {}

        async def agreed() -> bool:
            nonlocal seen
            seen = await self.look(provider)
            return self.model.accepts(seen, all_due=all_due)

        allowed = self.model.allowed(all_due=all_due)
        try:
            await self._lab.eventually(
                agreed,
                budget=budget,
                expected=f"after {what}, on {self.name}, {' or '.join(map(told, allowed[:3]))}",
                seen=lambda: told(seen),
                jobs=tuple(self.ids.values()),
            )
        except BaseException:
            self._script.sees(self.name, allowed)
            raise
        self._script.sees(self.name, [seen])

    async def list(self, provider: ProviderUnderTest, query: JobsQuery | None = None) -> list[Job]:
        """The jobs that ``query`` asks for."""
        return list(await self._ask(lambda: provider.raw.get_jobs(self.name, query), "get_jobs"))

    async def _ask(self, call: Callable[[], Awaitable[T]], what: str) -> T:
        return await self._lab.clock.call(call, f"{what} of {self.name}")

    async def _hold(self, run: Run) -> Any:
        hold = Hold(run.mark, self._lab.gate())
        self._held.append(hold)
        if self._over:
            hold.gate.open()
        try:
            await hold.gate.passed()
        finally:
            self._held.remove(hold)
        if hold.reason is not None:
            raise RuntimeError(hold.reason)
        return run.mark
