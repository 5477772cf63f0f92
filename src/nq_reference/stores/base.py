"""What ``create_stores`` gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from nq_reference.events.base import StepEvents
from nq_reference.state.base import JsonState


@dataclass(frozen=True, slots=True)
class Stores:
    """Where flows keep their state and their history."""

    state: JsonState
    events: StepEvents


class StoresModule(Protocol):
    """A module of this package that knows a backend."""

    def stores(self, config: Any) -> Stores:
        """The stores for the adapter's configuration."""
        ...
