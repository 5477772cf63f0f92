"""``nq_reference.PostgresProvider``."""

from __future__ import annotations

from benchmarks.systems.nq import Nq
from benchmarks.systems.protocol import Place
from nq_reference import PostgresProvider


class Measured(Nq):
    """Ours, on Postgres."""

    def provider(self, place: Place) -> PostgresProvider:
        """The provider to measure."""
        return PostgresProvider(place.url)
