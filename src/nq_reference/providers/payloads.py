"""Event payloads: one shape for every backend (question 20)."""

from __future__ import annotations

from typing import Any

from nq_conformance.contract import QueueEvent
from nq_reference import codec


def payload_of(event: QueueEvent, job_id: str | None, detail: str | int | None) -> dict[str, Any]:
    """What a callback is given: a new dict for each, so that none can change another's."""
    if event == "paused":
        return {}
    payload: dict[str, Any] = {"job_id": job_id}
    if event == "waiting":
        payload["prev"] = detail
    elif event == "delayed":
        payload["delay"] = detail
    elif event == "completed":
        payload["return_value"] = codec.decode(str(detail))
    elif event == "failed":
        payload["failed_reason"] = detail
    return payload
