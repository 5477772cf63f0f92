"""Forgets old step events without anybody waiting for it: in a task of its own, a portion at a time."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import anyio

from nq_reference import background

PORTION = 500
"""So many are forgotten at once: few enough that whoever publishes meanwhile hardly notices."""

_REST_S = 0.05
_log = logging.getLogger("nq_reference.events")


class Forgetting:
    """``forget`` forgets up to ``PORTION`` events that are too old, and returns how many it found.

    Its errors are logged. What they or a stop leave behind is found the next time.
    """

    def __init__(self, forget: Callable[[], Awaitable[int]]) -> None:
        self._forget = forget
        self._task: background.BackgroundTask | None = None

    def begin(self) -> None:
        """Have all that is too old forgotten from now on, unless that is under way."""
        if self._task is None or self._task.finished:
            self._task = background.spawn(self._run, "nq-forgetting")

    async def stop(self) -> None:
        """End it, at once or with the portion that is under way. Idempotent."""
        if self._task is not None:
            await self._task.stop()

    async def _run(self) -> None:
        try:
            while await self._one_portion() >= PORTION:
                pass
        except Exception as error:  # whoever opens or publishes does not depend on it
            _log.warning("old step events could not be forgotten, which is tried again later: %r", error)

    async def _one_portion(self) -> int:
        begun = anyio.current_time()
        found = await self._forget()
        # A rest as long as the work: SQLite has one writer, and those who wait only look now and then.
        await anyio.sleep(max(_REST_S, anyio.current_time() - begun))
        return found
