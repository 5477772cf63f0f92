"""What a store in tables may ask of its database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeAlias

Dialect: TypeAlias = Literal["postgres", "sqlite"]


class Tables(Protocol):
    """A database with tables of ours.

    Statements are written for both dialects: parameters are ``$1``, ``$2`` …, and ``nq.`` stands
    before each name. Every call is a transaction of its own, and raises the client's errors.
    """

    @property
    def dialect(self) -> Dialect:
        """Where a definition has to differ."""
        ...

    async def open(self, table: str, definition: str) -> None:
        """Connect, and run ``definition``, which makes ``table``, if that isn't there. Idempotent;
        of several processes that start at once one does it."""

    async def rows(self, sql: str, *args: object) -> Sequence[Any]:
        """The rows of one statement, as tuples."""
        ...

    async def close(self) -> None:
        """Let the database go. Idempotent; a later call raises ``ClosedError``."""
