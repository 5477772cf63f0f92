"""State in this process's memory."""

from __future__ import annotations

from nq_reference.state.base import JsonState


class MemoryState(JsonState):
    """Ends with the process, like the queues of the memory adapter."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    async def _connect(self) -> None:
        """Nothing to do."""

    async def _disconnect(self) -> None:
        self._texts.clear()

    async def _read(self, key: str) -> str | None:
        return self._texts.get(key)

    async def _write(self, key: str, text: str) -> None:
        self._texts[key] = text

    async def _drop(self, key: str) -> None:
        self._texts.pop(key, None)
