"""Jobs in memory, with a journal on disk that brings them back."""

from nq_reference.sources.file.source import FileSource

__all__ = ["FileSource"]
