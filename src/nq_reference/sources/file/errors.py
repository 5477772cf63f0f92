"""What the file backend raises on purpose."""

from __future__ import annotations

from nq_conformance.contract import QueueError


class JournalError(QueueError):
    """The journal can't be opened, read or written; the environment's fault, not the caller's."""


class JournalHeldError(QueueError):
    """Another provider, in this process or another, has the journal (DUR-05)."""
