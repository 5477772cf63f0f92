"""The model of one queue: all the worlds that it may be in, narrowed by what is seen.

Workers run on their own and time passes, so after a call the contract often allows several
states. The model keeps the set of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from nq_conformance.model.portrait import Portrait, of_world
from nq_conformance.model.world import ModelJob, World


class QueueModel:
    """Which worlds are possible. Begins with an empty queue and a worker of ``concurrency``."""

    def __init__(self, concurrency: int = 1) -> None:
        self.worlds: frozenset[World] = frozenset({World(concurrency)})

    def do(self, change: Callable[[World], World]) -> None:
        """Apply a call; what may happen by itself may have happened before it."""
        self.worlds = frozenset(change(world) for world in reachable(self.worlds))

    def allowed(self, *, all_due: bool = False) -> Sequence[Portrait]:
        """What may be seen once the queue is at rest, each portrait once."""
        portraits = [of_world(w) for w in reachable(self.worlds) if w.is_at_rest(all_due=all_due)]
        return [p for i, p in enumerate(portraits) if p not in portraits[:i]]

    def accepts(self, seen: Portrait, *, all_due: bool = False) -> bool:
        """Whether this may be seen at rest; if so, only the worlds that look like it are left."""
        alike = (w for w in reachable(self.worlds) if w.is_at_rest(all_due=all_due))
        found = frozenset(w for w in alike if of_world(w) == seen)
        self.worlds = found or self.worlds
        return bool(found)

    # After ``accepts`` the worlds that are left look alike, and any of them answers for all.

    @property
    def jobs(self) -> tuple[ModelJob, ...]:
        """The kept jobs."""
        return self._any.jobs

    @property
    def active(self) -> tuple[int, ...]:
        """The numbers of the jobs whose handler runs."""
        return self._any.active

    @property
    def paused(self) -> bool:
        """Whether the queue is held."""
        return self._any.paused

    def made(self, number: int) -> int:
        """How many attempts at job ``number`` have ended. Raises ``KeyError`` if it is not kept."""
        return self._any.job(number).made

    @property
    def _any(self) -> World:
        return next(iter(self.worlds))


def reachable(worlds: Iterable[World]) -> frozenset[World]:
    """``worlds``, and all that they may become by themselves."""
    seen = set(worlds)
    todo = list(seen)
    while todo:
        for world in todo.pop().moves():
            if world not in seen:
                seen.add(world)
                todo.append(world)
    return frozenset(seen)
