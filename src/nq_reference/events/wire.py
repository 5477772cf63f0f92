"""A step event as JSON text, camelCase like all that travels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nq_conformance.contract import InvalidJobError, StepEvent
from nq_reference import codec
from nq_reference.failure import storable


def encode(event: StepEvent) -> str:
    """``event`` as text. Its data are kept exactly if they are JSON; what else a handler may have
    logged stands there as its ``repr`` (CTX-04)."""
    return codec.encode(
        {
            "type": event.type,
            "runId": storable(event.run_id),
            "flowName": storable(event.flow_name),
            "stepName": event.step_name,
            "stepId": storable(event.step_id),
            "attempt": event.attempt,
            "data": _plain(dict(event.data)),
        },
        "the event",
    )


def decode(text: str) -> StepEvent:
    """The event of text that ``encode`` made."""
    fields = codec.decode(text)
    return StepEvent(
        fields["type"],
        fields["runId"],
        fields["flowName"],
        fields["stepName"],
        fields["stepId"],
        fields["attempt"],
        fields["data"],
    )


def _plain(data: Mapping[str, Any]) -> Any:
    try:
        return codec.decode(codec.encode(data, "the event's data"))
    except InvalidJobError:
        return {str(name): _or_repr(value) for name, value in data.items()}


def _or_repr(value: Any) -> Any:
    try:
        codec.encode(value)
    except InvalidJobError:
        return storable(repr(value))
    return value
