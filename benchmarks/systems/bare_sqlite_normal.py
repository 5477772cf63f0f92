"""A yardstick, no queue: ``bare_sqlite`` with commits that do not wait for the disk."""

from __future__ import annotations

from benchmarks.systems import bare_sqlite


class Measured(bare_sqlite.Measured):
    """A table in SQLite, with less care."""

    synchronous = "NORMAL"
