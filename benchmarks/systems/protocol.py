"""What the measuring child asks of a system. Sync systems simply do not await."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

Hit = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a system is to work: ``url`` of Redis or of an empty database of Postgres, an empty folder for
    SQLite and files (empty for memory), ``name`` a namespace that nobody else uses, ``concurrency``
    how many handlers may run at once."""

    url: str
    name: str
    concurrency: int

    @property
    def roomy_url(self) -> str:
        """``url`` for clients that need a connection for each handler: redis-py's limit of 100 is lifted."""
        return f"{self.url}?max_connections=1000"


class System(Protocol):
    """One system in one process, as a client, a worker or both.

    The handler calls ``hit(job["sent"])`` and returns ``tally.RESULT``.
    """

    together: bool
    """Whether its enqueues can be awaited together; a blocking client's can't."""

    async def setup(self, place: Place, hit: Hit) -> None:
        """Connect; start no worker yet."""

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Enqueue and return once it is stored."""

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Enqueue each by a call of its own, all of them awaited together."""

    async def start_worker(self) -> None:
        """Begin to run handlers, in this process."""

    async def close(self) -> None:
        """Stop the worker and disconnect."""
