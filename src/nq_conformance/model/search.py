"""Draws sequences until one fails, makes that one short, and makes sure of it.

Hypothesis draws in a thread of its own, and each sequence is played on the event loop of the test, on
queues of its own; some share a place, as to open an adapter takes long. A failure takes as long as its
budget, so that shorter ones are tried with a small budget and for a limited time; at the end the
shortest is played once more, with the whole budget. Each of these has a place to itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final, cast

import anyio
import anyio.to_thread
import hypothesis
from anyio.from_thread import BlockingPortal
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

from nq_conformance.clock import REACT, Budget
from nq_conformance.model.drawing import STEPS, Drawing
from nq_conformance.model.finding import Finding
from nq_conformance.model.machine import QueueMachine
from nq_conformance.model.shortening import shortened
from nq_conformance.model.stage import Played, Stage
from nq_conformance.model.steps import Step, Steps
from nq_conformance.violation import Violation

SHORTENING: Final = Budget("shortening", 300, "the adapter does what it did in the sequences before")
SHORTENING_S: Final = 30.0
"""How long a failure is made shorter at most."""


class Broken(Exception):  # noqa: N818 - tells Hypothesis, and nobody else, that a sequence fails
    """The sequence that is drawn fails."""


async def find(drawing: Drawing, *, may_reopen: bool = False, has_second: bool = False) -> Finding | None:
    """A short sequence on which adapter and model differ; ``None`` if none is found.

    Sequences close and reopen the adapter if it ``may_reopen``, and use two instances of it if
    it ``has_second``. Raises what came of making a place or of giving it back.
    """
    async with BlockingPortal() as portal:
        search = Search(portal, drawing, may_reopen=may_reopen, has_second=has_second)
        await anyio.to_thread.run_sync(search.run)
    if search.result is None and search.error is not None:
        raise search.error
    return search.result


class Search:
    """The search of one test; its methods run in a thread beside the event loop."""

    def __init__(
        self, portal: BlockingPortal, drawing: Drawing, *, may_reopen: bool, has_second: bool
    ) -> None:
        self.may_reopen = may_reopen
        self.has_second = has_second
        self.found: Finding | None = None
        self.error: Exception | None = None
        self.result: Finding | None = None
        self._portal = portal
        self._drawing = drawing
        self._stage: Stage | None = None

    def run(self) -> None:
        """Search; what ``find`` returns is ``result`` afterwards, ``found`` the first that failed, and
        ``error`` the first that came of making a place or of giving it back.
        """

        def new_machine() -> QueueMachine:
            return QueueMachine(_Attempt(self))

        machine = cast("type[QueueMachine]", new_machine)  # Hypothesis takes any factory
        machine = hypothesis.seed(self._drawing.seed)(machine)
        try:
            with suppress(Broken):
                run_state_machine_as_test(machine, settings=_settings(self._drawing))
        finally:
            self._leave_stage()
        if self.found is not None:
            self.result = self._shortest(self.found)

    def begin(self) -> Played:
        """A sequence that is drawn begins, behind others where there were some."""
        if self._stage is not None and self._stage.is_spent:
            self._leave_stage()
        self._stage = self._stage or Stage(self._portal, self._drawing)
        return self._stage.begin(REACT)

    @contextmanager
    def noting_errors(self) -> Iterator[None]:
        """Keep an error for the end of the search, and play nothing more: Hypothesis, which would draw
        the same sequence again, without the error, would call that a fault of the drawing."""
        try:
            yield
        except Exception as error:
            self.error = self.error or error

    def _shortest(self, found: Finding) -> Finding:
        """The shortest that fails with the whole budget as well, or else ``found``.

        What came, but late, is not looked for again: it will come in time.
        """
        if not found.is_repeatable:
            return found
        ends_at = time.monotonic() + SHORTENING_S

        def fails(steps: Steps) -> Steps | None:
            finding = self._replayed(steps, SHORTENING) if time.monotonic() < ends_at else None
            return finding.steps if finding is not None and finding.is_repeatable else None

        shortest = shortened(found.steps, fails)
        for steps in dict.fromkeys((shortest, found.steps)):  # a busy machine may fail a part that is right
            finding = self._replayed(steps, REACT)
            if finding is not None and isinstance(finding.error, Violation):
                return finding
        return found

    def _replayed(self, steps: Steps, budget: Budget) -> Finding | None:
        """``None`` as well where there was no place for it, or it could not be left."""
        with self.noting_errors(), closing(Stage(self._portal, self._drawing)) as stage:
            played = stage.begin(budget)
            finding = next((finding for step in steps if (finding := played.play(step))), None)
            played.end()
            return finding
        return None

    def _leave_stage(self) -> None:
        stage, self._stage = self._stage, None
        if stage is not None:
            with self.noting_errors():
                stage.close()


class _Attempt:
    """A sequence that Hypothesis draws: played, or once one has failed, only compared with that."""

    def __init__(self, search: Search) -> None:
        self.may_reopen = search.may_reopen
        self.has_second = search.has_second
        self._search = search
        self._steps: Steps = ()
        self._played: Played | None = None

    def take(self, step: Step) -> None:
        """Go one step further; raises ``Broken`` where the sequence fails."""
        self._steps = (*self._steps, step)
        if self._search.found is None and self._search.error is None:
            self._play(step)
        found = self._search.found
        if found is not None and found.steps == self._steps:
            raise Broken

    def end(self) -> None:
        """Leave the place to the next."""
        if self._played is not None:
            self._played.end()

    def _play(self, step: Step) -> None:
        with self._search.noting_errors():
            self._played = self._played or self._search.begin()
            self._search.found = self._played.play(step)


def _settings(drawing: Drawing) -> hypothesis.settings:
    """No deadline and no health checks: how long calls may take is what budgets are for."""
    return hypothesis.settings(
        max_examples=drawing.examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
