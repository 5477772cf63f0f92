"""Step events in this process's memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from nq_conformance.contract import StepEvent
from nq_reference.events import wire
from nq_reference.events.base import StepEvents, StepListener, tell


class MemoryEvents(StepEvents):
    """Keeps the last ``history_flows`` flows that had an event, whole."""

    def __init__(self, *, history_flows: int = 10_000) -> None:
        self._history_flows = history_flows
        self._flows: OrderedDict[str, list[str]] = OrderedDict()
        self._listeners: dict[object, tuple[StepListener, str | None]] = {}

    async def _connect(self) -> None:
        """Nothing to do."""

    async def _disconnect(self) -> None:
        self._listeners.clear()

    async def _publish(self, event: StepEvent) -> None:
        text = wire.encode(event)
        self._flows.setdefault(event.run_id, []).append(text)
        self._flows.move_to_end(event.run_id)
        if len(self._flows) > self._history_flows:
            self._flows.popitem(last=False)
        for listener, flow_id in tuple(self._listeners.values()):
            if flow_id in (None, event.run_id):
                tell(listener, wire.decode(text))

    async def _history(self, flow_id: str) -> Sequence[StepEvent]:
        return [wire.decode(text) for text in self._flows.get(flow_id, ())]

    async def _subscribe(self, listener: StepListener, flow_id: str | None) -> Callable[[], None]:
        key = object()
        self._listeners[key] = (listener, flow_id)
        return lambda: self._listeners.pop(key, None) and None
