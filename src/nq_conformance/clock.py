"""Time in tests: named budgets and the kit's only sleep.

A test never waits for time to pass. It waits for something to happen, for as long as a
named budget allows. What comes after its budget but within the grace is told apart from
what does not come: 'too slow' is another finding than 'wrong'.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import anyio

from nq_conformance.violation import Inconclusive, Violation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Budget:
    """How long something may take, in milliseconds at time scale 1, and what it is for."""

    name: str
    ms: int
    what: str


CALL: Final = Budget("call", 5_000, "one call of the adapter returns")
REACT: Final = Budget(
    "react", 3_000, "an idle worker starts a job, an event is delivered, a state is reached"
)
DRAIN: Final = Budget("drain", 10_000, "a worker gets through the jobs of a test")
MINUTE: Final = Budget("minute", 75_000, "a cron pattern without seconds comes round")
BUDGETS: Final = (CALL, REACT, DRAIN, MINUTE)

GRACE: Final = 1.0
"""How long after its budget something is still waited for, as a multiple of the budget."""
_BEAT_S: Final = 0.05
_FIRST_POLL_S: Final = 0.002
_LAST_POLL_S: Final = 0.05


class MachineWatch:
    """Notices when the whole machine stands still, by a thread that ought to wake every 50 ms.

    An adapter that blocks the event loop does not delay this thread; a machine that is
    suspended or starved does. Then a missed budget says nothing about the adapter.
    """

    def __init__(self) -> None:
        self._stalls: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nq-machine-watch", daemon=True)
        self._thread.start()

    def stalled_s(self, since: float) -> float:
        """The longest stall that ended after ``since`` (``time.monotonic``), in seconds."""
        return max((length for end, length in self._stalls if end >= since), default=0.0)

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        before = time.monotonic()
        while not self._stop.wait(_BEAT_S):
            now = time.monotonic()
            late = now - before - _BEAT_S
            if late > 2 * _BEAT_S:
                self._stalls.append((now, late))
            before = now


class Clock:
    """Waits for one test. ``time_scale`` multiplies every budget."""

    def __init__(self, time_scale: float = 1.0, machine: MachineWatch | None = None) -> None:
        self.time_scale = time_scale
        self._machine = machine

    def seconds(self, budget: Budget) -> float:
        """The budget at this run's time scale."""
        return budget.ms / 1000 * self.time_scale

    async def call(self, call: Callable[[], Awaitable[T]], what: str, budget: Budget = CALL) -> T:
        """Await ``call`` for as long as ``budget`` allows; raises ``Violation`` beyond it."""
        began = time.monotonic()
        with anyio.move_on_after(self.seconds(budget)):
            return await call()
        self._blame_the_machine(began, budget)
        raise Violation(
            expected=f"{what} returns within {self._told(budget)}",
            seen="it had not returned by then, and was cancelled",
        )

    async def until(
        self,
        met: Callable[[], Awaitable[bool]],
        *,
        budget: Budget,
        expected: str,
        seen: Callable[[], str],
        jobs: tuple[str, ...] = (),
        woken: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        """Return once ``met`` is true; raise ``Violation`` when it is not within ``budget``.

        ``woken`` waits until another look is worthwhile, for the given seconds at most.
        ``seen`` describes what is there instead; it is called only for a failure.
        """
        began = time.monotonic()
        limit = self.seconds(budget)
        pause = _FIRST_POLL_S
        while not await met():
            if time.monotonic() - began > limit * (1 + GRACE):
                self._blame_the_machine(began, budget)
                raise Violation(expected=f"{expected}, within {self._told(budget)}", seen=seen(), jobs=jobs)
            await woken(pause)
            pause = min(pause * 1.5, _LAST_POLL_S)
        took = time.monotonic() - began
        if took > limit:
            self._blame_the_machine(began, budget)
            raise Violation(
                expected=f"{expected}, within {self._told(budget)}",
                seen=f"it came, but only after {took:.1f} s",
                jobs=jobs,
                slow=True,
            )

    def _told(self, budget: Budget) -> str:
        return f"the budget '{budget.name}' ({self.seconds(budget):g} s)"

    def _blame_the_machine(self, since: float, budget: Budget) -> None:
        stall = self._machine.stalled_s(since) if self._machine else 0.0
        if stall > self.seconds(budget) / 2:
            raise Inconclusive(
                f"the machine stood still for {stall:.1f} s while the test waited for the budget "
                f"'{budget.name}'; run it again on a machine that is less busy"
            )
