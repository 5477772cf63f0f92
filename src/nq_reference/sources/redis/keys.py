"""The names of a queue's keys; the scripts make theirs from ``base`` by the table in ``lua/lib.lua``."""

from __future__ import annotations

from dataclasses import dataclass

from nq_reference.names import escape


@dataclass(frozen=True, slots=True)
class QueueKeys:
    """The keys of one queue. All share the hash tag, so one cluster slot holds them (DST-04)."""

    base: str

    @classmethod
    def of(cls, prefix: str, queue: str) -> QueueKeys:
        """The keys of ``queue`` under ``prefix``. Both are escaped, so that no two pairs meet (EVT-09)."""
        return cls(f"{{{escape(prefix)}:{escape(queue)}}}")

    @property
    def meta(self) -> str:
        """Hash: the pause and the counters."""
        return f"{self.base}:meta"

    @property
    def events(self) -> str:
        """Stream: what happened."""
        return f"{self.base}:events"

    @property
    def wake(self) -> str:
        """List: at most one marker, there while a worker should look."""
        return f"{self.base}:wake"
