"""Who an attempt is: the ids and names that its context and its events share."""

from __future__ import annotations

import copy
import uuid
from typing import Any

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "nq:flow")


class Step:
    """One attempt's identity; ``attempt`` counts from 1 (RUN-03).

    The ids are put together when somebody asks for them, which few handlers do. What they
    are made from is read at once, since a handler may change its payload.
    """

    __slots__ = ("_flow_id", "attempt", "ending", "flow_name", "job_id", "name", "queue")

    def __init__(self, queue: str, job_id: str, job_name: str, data: Any, attempt: int) -> None:
        self.job_id = job_id
        self.queue = queue
        self.name = job_name
        self.attempt = attempt
        self.flow_name = _text(data, "flow_name", "flowName") or "unknown"
        self._flow_id = _text(data, "flow_id", "flowId")
        self.ending = f"attempt-{attempt}"

    @classmethod
    def of(cls, queue: str, job_id: str, job_name: str, data: Any, attempt: int) -> Step:
        """The step of attempt number ``attempt``.

        The flow is named by the payload's ``flow_id`` and ``flow_name`` (or ``flowId`` and
        ``flowName``, as nuxt-queue writes them). Without one it is derived from queue and
        job id, so that all attempts agree (RUN-04, question 11).
        """
        return cls(queue, job_id, job_name, data, attempt)

    @property
    def flow_id(self) -> str:
        """The flow this step belongs to."""
        if self._flow_id is None:
            self._flow_id = _derived(self.queue, self.job_id)
        return self._flow_id

    @property
    def step_id(self) -> str:
        """``{flow_id}__{name}__attempt-{attempt}``, or how else it ended."""
        return f"{self.flow_id}__{self.name}__{self.ending}"

    def without_attempt(self) -> Step:
        """The same step, for a job that ended although no attempt ran (question 10)."""
        step = copy.copy(self)
        step.ending = "worker-error"
        return step


def _text(data: Any, *keys: str) -> str | None:
    if not isinstance(data, dict):  # a payload may be any JSON value (RUN-07)
        return None
    for key in keys:
        value = data.get(key)
        if value and isinstance(value, str):
            return value
    return None


def _derived(queue: str, job_id: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{queue}\0{job_id}"))
