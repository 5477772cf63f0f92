"""A worker for queues that have none of their own: one thread takes a job, calls the handler, says so.

SQLite has one writer at a time, so that more threads would only wait for each other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

IDLE_S = 0.001
"""How long it rests after a look at an empty queue, as huey's threads are made to."""


class OneThread:
    """Calls ``step`` again and again; ``step`` returns whether there was a job."""

    def __init__(self, step: Callable[[], bool]) -> None:
        self._step = step
        self._over = False
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the job at hand."""
        self._over = True
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._over:
            if not self._step():
                time.sleep(IDLE_S)
