"""``nq_reference.SqliteProvider`` as durable as litequeue: ``synchronous`` normal."""

from __future__ import annotations

from benchmarks.systems.nq import Nq
from benchmarks.systems.protocol import Place
from nq_reference import SqliteProvider


class Measured(Nq):
    """Ours, on SQLite, with less care."""

    def provider(self, place: Place) -> SqliteProvider:
        """The provider to measure."""
        return SqliteProvider(place.url, synchronous="normal")
