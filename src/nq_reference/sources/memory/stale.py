"""Clears a heap of entries whose job has moved on, which would stay until they come to the top."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TypeVar

MOST_STALE = 1_000
"""So many stale entries are always borne, as are fewer than there are live ones."""

Entry = TypeVar("Entry", bound=tuple[int, int, object])


def clear_stale(heap: list[Entry], live: int, is_live: Callable[[Entry], bool]) -> None:
    """Rebuild ``heap`` without its stale entries, if they are too many; ``live`` is how many are not stale.

    No two entries sort alike, so that they come out in the order in which they would have come. As more
    than half must be stale, a removal pays for a few entries on average.
    """
    stale = len(heap) - live
    if stale > MOST_STALE and stale > live:
        heap[:] = filter(is_live, heap)
        heapq.heapify(heap)
