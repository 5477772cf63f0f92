"""How long a worker rests between two looks at its backend."""

from __future__ import annotations

import logging

logger = logging.getLogger("nq_reference")
FIRST_BACKOFF_MS = 50
LAST_BACKOFF_MS = 5_000


class Pace:
    """Rest periods of one worker: until something is due, at most the drain delay; longer
    and longer while the backend fails (FLT-06)."""

    def __init__(self, queue: str, drain_delay_ms: int) -> None:
        self._queue = queue
        self._drain_delay_ms = drain_delay_ms
        self._backoff_ms = 0

    def after_success(self) -> None:
        """Forget earlier errors."""
        self._backoff_ms = 0

    def after_error(self, error: Exception) -> float:
        """How long to wait before the backend is asked again; the error is logged."""
        self._backoff_ms = min(max(self._backoff_ms * 2, FIRST_BACKOFF_MS), LAST_BACKOFF_MS)
        logger.warning(
            "the backend of queue %r failed, trying again in %d ms: %r", self._queue, self._backoff_ms, error
        )
        return self._backoff_ms

    def rest_ms(self, next_in_ms: int | None) -> float:
        """How long to wait for a wake-up, given when the backend has something due.

        A poll after the drain delay stands behind every wake-up, in case one is lost
        (CON-07). At least a millisecond, so that a due time that is now can't spin.
        """
        if next_in_ms is None:
            return self._drain_delay_ms
        return max(1, min(next_in_ms, self._drain_delay_ms))
