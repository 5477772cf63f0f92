"""``docs/loaded-runs.md``: a row for each adapter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from measured import keep_measured

from loaded.runs import ADAPTERS, Outcome

PAGE = Path(__file__).parents[2] / "docs" / "loaded-runs.md"
HEAD = """| adapter | runs | with alarms | event loops | load | seconds, one process | seconds, two |
| --- | ---: | ---: | --- | ---: | ---: | ---: |
"""


def table(outcomes: Sequence[Outcome]) -> str:
    """The rows, in the order of ``ADAPTERS``."""
    rows = [_row(name, [each for each in outcomes if each.adapter == name]) for name in ADAPTERS]
    return HEAD + "".join(row for row in rows if row)


def write(outcomes: Sequence[Outcome]) -> None:
    """Put the rows into the page."""
    keep_measured(PAGE, table(outcomes))


def _row(name: str, runs: Sequence[Outcome]) -> str:
    if not runs:
        return ""
    alarms = sum(bool(run.alarms) for run in runs)
    loops = ", ".join(sorted({run.backend for run in runs}))
    fields = [name, str(len(runs)), str(alarms), loops, _span([run.load for run in runs])]
    fields += [_span([run.seconds for run in runs if run.parallel is parallel]) for parallel in (False, True)]
    return f"| {' | '.join(fields)} |\n"


def _span(numbers: Sequence[float]) -> str:
    if not numbers:
        return ""
    low, high = min(numbers), max(numbers)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
