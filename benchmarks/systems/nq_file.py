"""``nq_reference.FileProvider``, ``fsync`` always as by default."""

from __future__ import annotations

from benchmarks.systems.nq import Nq
from benchmarks.systems.protocol import Place
from nq_reference import FileProvider


class Measured(Nq):
    """Ours, on files."""

    def provider(self, place: Place) -> FileProvider:
        """The provider to measure."""
        return FileProvider(place.url)
