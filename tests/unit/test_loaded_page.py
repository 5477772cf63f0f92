"""The rows of docs/loaded-runs.md, and the runs that are planned for them."""

from __future__ import annotations

from loaded.page import HEAD, table
from loaded.runs import Outcome, Run, plan


def test_event_loops_and_processes_take_turns() -> None:
    """Adapters too, so that what is at hand after an hour is of all of them."""
    assert list(plan(["memory", "redis"], 3)) == [
        Run("memory", 1, "asyncio", False),
        Run("redis", 1, "asyncio", False),
        Run("memory", 2, "trio", True),
        Run("redis", 2, "uvloop", True),
        Run("memory", 3, "uvloop", False),
        Run("redis", 3, "asyncio", False),
    ]


def test_a_row_counts_runs_and_alarms() -> None:
    """An adapter without a run has none."""
    runs = [
        Outcome("redis", 1, "asyncio", False, 402, 6.6, 188, 0, []),
        Outcome("redis", 2, "uvloop", True, 253, 10.8, 187, 0, ["PAU-05 failed"]),
        Outcome("redis", 3, "asyncio", False, 419, 6.9, 188, 0, []),
        Outcome("file", 1, "trio", False, 254, 9, 150, 0, []),
    ]
    assert table(runs) == HEAD + (
        "| file | 1 | 0 | trio | 9 | 254 |  |\n"
        "| redis | 3 | 1 | asyncio, uvloop | 6.6 to 10.8 | 402 to 419 | 253 |\n"
    )
