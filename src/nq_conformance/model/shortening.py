"""Makes a failing sequence short: leaves steps out, then takes options away. Pure but for ``fails``.

Any part of a sequence is one itself, so this needs no more than to try. It is quicker than what
Hypothesis does in general: each try costs calls of an adapter, and a budget where it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from nq_conformance.model.steps import Steps


def shortened(steps: Steps, fails: Callable[[Steps], Steps | None]) -> Steps:
    """A part of ``steps`` of which no step and no option can be left out without its passing.

    ``fails`` plays a sequence and returns it up to the step that failed, ``None`` if it passes or
    was not tried any more.
    """
    best = steps
    for simpler in (_with_steps_left_out, _with_options_taken_away):
        best = _first_that_fails(best, simpler, fails)
    return best


def _first_that_fails(
    best: Steps, simpler: Callable[[Steps], Iterator[Steps]], fails: Callable[[Steps], Steps | None]
) -> Steps:
    tried: set[Steps] = {best}
    again = True
    while again:
        again = False
        for candidate in simpler(best):
            failed = None if candidate in tried else fails(candidate)
            tried.add(candidate)
            if failed is not None:
                best, again = failed, True
                break
    return best


def _with_steps_left_out(steps: Steps) -> Iterator[Steps]:
    """The last step is the one that fails; of those before it half is left out first, then less."""
    size = len(steps) // 2
    while size:
        for end in range(len(steps) - 1, 0, -size):
            yield steps[: max(0, end - size)] + steps[end:]
        size //= 2


def _with_options_taken_away(steps: Steps) -> Iterator[Steps]:
    """One option of one step is as if it had not been given."""
    for number, step in enumerate(steps):
        for field in fields(step):
            if getattr(step, field.name) != field.default:
                given: dict[str, Any] = {field.name: field.default}
                plainer = replace(step, **given)
                yield (*steps[:number], plainer, *steps[number + 1 :])
