"""A sequence that is being played, called from a thread beside the event loop."""

from __future__ import annotations

from contextlib import ExitStack

from anyio.from_thread import BlockingPortal

from nq_conformance.clock import Budget
from nq_conformance.model.drawing import Drawing
from nq_conformance.model.finding import Finding
from nq_conformance.model.player import Player
from nq_conformance.model.steps import Step, Steps
from nq_conformance.violation import Inconclusive, Violation


class Played:
    """Has a lab in a place of its own, which it leaves empty when it is closed."""

    def __init__(self, portal: BlockingPortal, drawing: Drawing, budget: Budget) -> None:
        self._portal = portal
        self._target = drawing.target
        self._steps: Steps = ()
        with ExitStack() as stack:
            self._lab = stack.enter_context(drawing.new_lab())
            stack.enter_context(portal.wrap_async_context_manager(self._lab))
            self._open = stack.pop_all()
        self._player = Player(self._lab, budget)

    def play(self, step: Step) -> Finding | None:
        """Play one more step; returns the failure if it fails."""
        self._steps = (*self._steps, step)
        try:
            self._portal.call(self._player.play, step)
        except (Violation, Inconclusive) as error:
            script = self._player.script.text(self._target)
            return Finding(self._steps, error, script, tuple(self._lab.history.entries))
        return None

    def close(self) -> None:
        """Close the lab, and empty its place."""
        with self._open:
            self._portal.call(self._player.end)
