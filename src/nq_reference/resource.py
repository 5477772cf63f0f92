"""Something that is opened, used and closed, by one rule for all."""

from __future__ import annotations

from abc import ABC, abstractmethod

from nq_conformance.contract import ClosedError


class Resource(ABC):
    """``open`` and ``close`` are idempotent; once closed, every call but ``close`` raises ``ClosedError``."""

    _closed = False

    async def open(self) -> None:
        """Connect and create what is missing. Raises the client's errors."""
        self._refuse_closed()
        await self._connect()

    async def close(self) -> None:
        """Let go of connections and tasks."""
        if not self._closed:
            self._closed = True
            await self._disconnect()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ClosedError(f"this {type(self).__name__} is closed; make a new one to go on")

    @abstractmethod
    async def _connect(self) -> None:
        """Connect, if that is not done yet."""

    @abstractmethod
    async def _disconnect(self) -> None:
        """Let go; called once."""
