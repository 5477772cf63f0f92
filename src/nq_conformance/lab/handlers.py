"""Handlers that remember what they were called with, and stop at a gate if asked to."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

from nq_conformance.clock import DRAIN, REACT, Budget
from nq_conformance.lab.facts import of_run

if TYPE_CHECKING:
    from nq_conformance.lab.lab import Lab


@dataclass(eq=False, slots=True)
class Run:
    """One call of a handler. Times are epoch milliseconds; ``ended_ms`` is ``None`` while it
    runs; ``error`` is what the handler raised, or was cancelled with; ``serial`` tells the runs of
    a history apart."""

    args: tuple[Any, ...]
    number: int
    started_ms: float = field(default_factory=lambda: time.time() * 1000)
    ended_ms: float | None = None
    result: Any = None
    error: BaseException | None = None
    serial: int = 0

    @property
    def data(self) -> Any:
        """The first argument: the job's payload."""
        return self.args[0] if self.args else None

    @property
    def ctx(self) -> Any:
        """The second argument: the context."""
        return self.args[1] if len(self.args) > 1 else None

    @property
    def mark(self) -> Any:
        """What the test wrote into the payload under ``n``, to know the job again."""
        return self.data.get("n") if isinstance(self.data, dict) else None

    @property
    def job_id(self) -> str | None:
        """The job's id, if the context tells."""
        id = getattr(self.ctx, "job_id", None)
        return id if isinstance(id, str) else None


Body: TypeAlias = Callable[[Run], Awaitable[Any]]


class Gate:
    """Where a handler stops until the test opens it. The lab opens all when it closes."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def open(self) -> None:
        """Let everybody pass, now and later."""
        self._event.set()

    async def passed(self) -> None:
        """Wait until it is open."""
        await self._event.wait()


class Recorder:
    """A handler that records its runs. ``body`` is what it does, ``gate`` where it stops first."""

    def __init__(self, lab: Lab, body: Body, gate: Gate | None = None, name: str = "handler") -> None:
        self.name = name
        self.runs: list[Run] = []
        self.running = 0
        self.most_running = 0
        self._lab = lab
        self._body = body
        self._gate = gate

    async def __call__(self, *args: Any) -> Any:
        """Be called by the adapter, rightly as ``(data, ctx)``."""
        run = Run(args, number=len(self.runs) + 1, serial=len(self._lab.history.entries))
        self.runs.append(run)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self._tell("start", run)
        try:
            if self._gate is not None:
                await self._gate.passed()
            run.result = await self._body(run)
        except BaseException as error:
            run.error = error
            raise
        else:
            return run.result
        finally:
            run.ended_ms = time.time() * 1000
            self.running -= 1
            self._tell("end", run)

    @property
    def marks(self) -> list[Any]:
        """The marks of all runs, in the order in which they started."""
        return [run.mark for run in self.runs]

    @property
    def ended(self) -> list[Run]:
        """The runs that are over, in the order in which they started."""
        return [run for run in self.runs if run.ended_ms is not None]

    async def started(self, count: int = 1, *, budget: Budget = REACT) -> Sequence[Run]:
        """Wait until ``count`` runs have started; returns all runs."""
        await self._lab.sees(
            lambda: len(self.runs) >= count,
            budget=budget,
            expected=f"{count} start{_s(count)} of the {self.name}",
            seen=lambda: f"{len(self.runs)} start{_s(len(self.runs))}",
        )
        return self.runs

    async def finished(self, count: int = 1, *, budget: Budget = DRAIN) -> Sequence[Run]:
        """Wait until ``count`` runs are over; returns all runs."""
        await self._lab.sees(
            lambda: len(self.ended) >= count,
            budget=budget,
            expected=f"{count} run{_s(count)} of the {self.name} to their end",
            seen=lambda: f"{len(self.runs)} started, {len(self.ended)} ended",
        )
        return self.runs

    def _tell(self, kind: Any, run: Run) -> None:
        text = f"run {run.number}, n={run.mark!r}" if run.mark is not None else f"run {run.number}"
        if kind == "end" and run.error is not None:
            text += f", raised {type(run.error).__name__}"
        self._lab.history.add(kind, self.name, job_id=run.job_id, text=text, data=run, facts=of_run(run))


def _s(count: int) -> str:
    return "" if count == 1 else "s"
