"""The result as markdown: medians, and how each compares with ours. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.figures import FIGURES, LATENCY, Figure
from benchmarks.rounds import Samples
from benchmarks.systems import Entry

TIE = 1.5
"""A factor below this is called a tie: machines drift by almost as much between two runs."""


def table(samples: Samples, entries: Sequence[Entry], versions: dict[str, str]) -> str:
    """The table of ``entries``, all of one backend: jobs a second, latencies in milliseconds."""
    head = ["system", *(f"{figure.title}{'' if figure.rate else ', ms: median (p99)'}" for figure in FIGURES)]
    rows = [head, ["---", *("---:" for _ in FIGURES)]]
    for entry in entries:
        title = f"{entry.title} {versions.get(entry.id, '')}".strip()
        rows.append([title, *(_cell(samples, entry, figure) for figure in FIGURES)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def median(samples: Samples, system: str, figure: Figure) -> float | None:
    """The median of what was measured, ``None`` if nothing was."""
    values = samples.values.get((system, figure.id))
    return statistics.median(values) if values else None


def _cell(samples: Samples, entry: Entry, figure: Figure) -> str:
    value = median(samples, entry.id, figure)
    if value is None:
        return "-"
    shown = _latency(samples, entry) if figure is LATENCY else f"{value:,.0f}"
    ours = None if entry.is_ours else median(samples, entry.rival, figure)
    return shown if ours is None else f"{shown} {_compared(value, ours, figure)}"


def _latency(samples: Samples, entry: Entry) -> str:
    values = sorted(samples.values[entry.id, LATENCY.id])
    p99 = values[min(len(values) - 1, int(len(values) * 0.99))]
    return f"{statistics.median(values):.2f} ({p99:.1f})"


def _compared(value: float, ours: float, figure: Figure) -> str:
    """How ours stands beside a peer: ``ours x 2.1`` is that much better, ``ours x 0.5`` half as good."""
    better = ours / value if figure.rate else value / ours
    tie = 1 / TIE < better < TIE
    return "(tie)" if tie else f"(ours x {better:.1f})"
