"""Who an attempt is: the ids and names that its context and its events share."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "nq:flow")


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt's identity; ``attempt`` counts from 1 (RUN-03)."""

    job_id: str
    queue: str
    flow_id: str
    flow_name: str
    name: str
    attempt: int
    step_id: str

    @classmethod
    def of(cls, queue: str, job_id: str, job_name: str, data: Any, attempt: int) -> Step:
        """The step of attempt number ``attempt``.

        The flow is named by the payload's ``flow_id`` and ``flow_name`` (or ``flowId`` and
        ``flowName``, as nuxt-queue writes them). Without one it is derived from queue and
        job id, so that all attempts agree (RUN-04, question 11).
        """
        flow_id = _text(data, "flow_id", "flowId") or _derived(queue, job_id)
        flow_name = _text(data, "flow_name", "flowName") or "unknown"
        step_id = f"{flow_id}__{job_name}__attempt-{attempt}"
        return cls(job_id, queue, flow_id, flow_name, job_name, attempt, step_id)

    def without_attempt(self) -> Step:
        """The same step, for a job that ended although no attempt ran (question 10)."""
        step_id = f"{self.flow_id}__{self.name}__worker-error"
        return Step(self.job_id, self.queue, self.flow_id, self.flow_name, self.name, self.attempt, step_id)


def _text(data: Any, *keys: str) -> str | None:
    if not isinstance(data, Mapping):  # a payload may be any JSON value (RUN-07)
        return None
    return next((data[k] for k in keys if isinstance(data.get(k), str) and data[k]), None)


def _derived(queue: str, job_id: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{queue}\0{job_id}"))
