"""``nq_reference.RedisProvider``."""

from __future__ import annotations

from benchmarks.systems.nq import Nq
from benchmarks.systems.protocol import Place
from nq_reference import RedisProvider


class Measured(Nq):
    """Ours, on Redis."""

    def provider(self, place: Place) -> RedisProvider:
        """The provider to measure."""
        return RedisProvider(place.url, prefix=place.name)
