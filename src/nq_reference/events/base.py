"""What every event manager of ours offers beyond the contract's: a flow's history, and subscribing."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeAlias

from nq_conformance.contract import StepEvent
from nq_reference.resource import Resource

StepListener: TypeAlias = Callable[[StepEvent], None]
"""A plain function, called on the event loop; what it raises is logged."""

_log = logging.getLogger("nq_reference.events")


class StepEvents(Resource):
    """Implements ``EventManager``. Events of a flow are kept, and told, in the order of publishing;
    those of other processes are told as well where the backend is shared. One whose connection breaks
    before the answer comes may be kept twice."""

    async def publish_bus(self, event: StepEvent) -> None:
        """See ``EventManager``. Returns once the event is kept; raises the client's errors."""
        self._refuse_closed()
        await self._publish(event)

    async def history(self, flow_id: str) -> Sequence[StepEvent]:
        """What is kept of a flow, oldest first; empty if nothing is known of it."""
        self._refuse_closed()
        return await self._history(flow_id)

    async def subscribe(self, listener: StepListener, flow_id: str | None = None) -> Callable[[], None]:
        """Have ``listener`` called for each event from now on, of one flow or of all.

        When it returns no later event can be missed. The result ends the subscription, idempotently.
        """
        self._refuse_closed()
        return await self._subscribe(listener, flow_id)

    @abstractmethod
    async def _publish(self, event: StepEvent) -> None: ...

    @abstractmethod
    async def _history(self, flow_id: str) -> Sequence[StepEvent]: ...

    @abstractmethod
    async def _subscribe(self, listener: StepListener, flow_id: str | None) -> Callable[[], None]: ...


def tell(listener: StepListener, event: StepEvent) -> None:
    """Call ``listener``; its failure reaches nobody else."""
    try:
        listener(event)
    except Exception:
        _log.exception("a listener for step events raised at %s of %s", event.type, event.step_id)
