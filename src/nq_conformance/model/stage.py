"""Where sequences are played: a lab, called from a thread beside the event loop."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from anyio.from_thread import BlockingPortal

from nq_conformance.clock import Budget
from nq_conformance.model.drawing import Drawing
from nq_conformance.model.finding import Finding
from nq_conformance.model.instances import Instances
from nq_conformance.model.player import Player
from nq_conformance.model.steps import Step, Steps
from nq_conformance.violation import Inconclusive, Violation

SEQUENCES: Final = 20
"""How many are played on one stage at most: to open an adapter costs as much as a sequence."""


class Stage:
    """A lab in a place of its own. Sequences follow each other on it, on queues of their own; after one
    that failed, or that could not be ended, no other does."""

    def __init__(self, portal: BlockingPortal, drawing: Drawing) -> None:
        self._portal = portal
        self._target = drawing.target
        self._played = 0
        self._is_broken = False
        with ExitStack() as stack:
            self._lab = stack.enter_context(drawing.new_lab())
            stack.enter_context(portal.wrap_async_context_manager(self._lab))
            self._open = stack.pop_all()
        self._instances = Instances(self._lab)

    @property
    def is_spent(self) -> bool:
        """Whether the next sequence needs another."""
        return self._is_broken or self._played >= SEQUENCES

    def begin(self, budget: Budget) -> Played:
        """The next sequence; the one before has ended."""
        self._lab.history.entries.clear()
        self._played += 1
        suffix = "" if self._played == 1 else f"_{self._played}"
        return Played(self, Player(self._instances, budget, suffix))

    def close(self) -> None:
        """Close the lab, and empty its place."""
        with self._open:
            pass

    # -- what a sequence does --------------------------------------------------------------

    def play(self, player: Player, steps: Steps) -> Finding | None:
        """Play the last of ``steps``; returns the failure if it fails."""
        try:
            self._portal.call(player.play, steps[-1])
        except (Violation, Inconclusive) as error:
            self._is_broken = True
            script = player.script.text(self._target)
            return Finding(steps, error, script, tuple(self._lab.history.entries), self._played == 1)
        return None

    def end(self, player: Player) -> None:
        """End the player's handlers and workers. What that raises is no finding, as after a test."""
        try:
            self._portal.call(player.end)
        except Exception as error:
            self._is_broken = True
            self._lab.notes.append(f"ending a sequence, {type(error).__name__}: {error}")


class Played:
    """A sequence that is being played."""

    def __init__(self, stage: Stage, player: Player) -> None:
        self._stage = stage
        self._player = player
        self._steps: Steps = ()

    def play(self, step: Step) -> Finding | None:
        """Play one more step; returns the failure if it fails."""
        self._steps = (*self._steps, step)
        return self._stage.play(self._player, self._steps)

    def end(self) -> None:
        """Leave the stage to the next."""
        self._stage.end(self._player)
