"""How many sequences are drawn, from what, and where they are played."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from nq_conformance.lab import Lab

DEFAULT_EXAMPLES: Final = 120
DEFAULT_SEED: Final = 0
STEPS: Final = 25
"""Steps of one sequence."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """``examples`` sequences, those that ``seed`` gives; the same in each run where none is given.

    ``target`` names the adapter in the script of a failure. ``new_lab`` makes a lab in a place that
    no other has, which is still to be entered; the place goes with the context. It may block.
    """

    target: str
    new_lab: Callable[[], AbstractContextManager[Lab]]
    examples: int = DEFAULT_EXAMPLES
    seed: int = DEFAULT_SEED
