"""``nq_reference.FileProvider`` as durable as huey's files: ``fsync`` never."""

from __future__ import annotations

from benchmarks.systems.nq import Nq
from benchmarks.systems.protocol import Place
from nq_reference import FileProvider


class Measured(Nq):
    """Ours, on files, with less care."""

    def provider(self, place: Place) -> FileProvider:
        """The provider to measure."""
        return FileProvider(place.url, fsync="never")
