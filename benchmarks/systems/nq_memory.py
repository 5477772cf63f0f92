"""``nq_reference.MemoryProvider``."""

from __future__ import annotations

from benchmarks.systems.nq import Nq
from benchmarks.systems.protocol import Place
from nq_reference import MemoryProvider


class Measured(Nq):
    """Ours, in memory."""

    def provider(self, place: Place) -> MemoryProvider:
        """The provider to measure."""
        del place
        return MemoryProvider()
