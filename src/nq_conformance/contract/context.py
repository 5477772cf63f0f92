"""The context: what a handler is given beside its input.

Source: seed sections 5 and 6, rules CTX-*. The providers of state and flow are given to
the worker manager; these protocols say what it may ask of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from nq_conformance.contract.job import JSONValue


class StateProvider(Protocol):
    """Values shared by the steps of a flow; keys are already scoped by the caller (CTX-03)."""

    async def get(self, key: str) -> JSONValue:
        """The value under ``key``, ``None`` if there is none."""
        ...

    async def set(self, key: str, value: JSONValue) -> None:
        """Keep ``value`` under ``key``."""

    async def delete(self, key: str) -> None:
        """Forget ``key``; a missing one is no error."""


class FlowEngine(Protocol):
    """Hands a trigger to whatever subscribes to it; the payload names its flow (CTX-05)."""

    async def emit(self, trigger: str, payload: Mapping[str, Any]) -> Any:
        """Deliver ``trigger`` with its payload."""


class StateContext(Protocol):
    """``ctx.state``: JSON values of this flow, shared by its steps and their attempts (CTX-02)."""

    async def get(self, key: str) -> JSONValue:
        """The flow's value under ``key``, ``None`` if there is none."""
        ...

    async def set(self, key: str, value: JSONValue) -> None:
        """Keep ``value`` for this flow."""

    async def delete(self, key: str) -> None:
        """Forget this flow's ``key``."""


class LoggerContext(Protocol):
    """``ctx.logger``: publishes a ``log`` event; never fails the job, whatever it is given (CTX-04)."""

    async def log(self, level: str, message: str, metadata: Any = None) -> None:
        """Publish ``message``; ``level`` is a name such as ``info``, ``metadata`` anything."""


class FlowContext(Protocol):
    """``ctx.flow``: emits a trigger for this flow; errors reach the handler (CTX-05)."""

    async def emit(self, trigger: str, payload: Mapping[str, Any] | None = None) -> Any:
        """Emit ``trigger``; flow_id, flow_name and step_name are added unless the payload has them."""


class RunContext(Protocol):
    """One attempt at one job, as its handler sees it (CTX-01)."""

    @property
    def job_id(self) -> str:
        """The job's id."""
        ...

    @property
    def queue(self) -> str:
        """The queue's name."""
        ...

    @property
    def flow_id(self) -> str:
        """The flow's id: the payload's, else made once per job (question 11)."""
        ...

    @property
    def flow_name(self) -> str:
        """The flow's name."""
        ...

    @property
    def step_name(self) -> str:
        """The job's name."""
        ...

    @property
    def step_id(self) -> str:
        """``{flow_id}__{step_name}__attempt-{attempt}`` (RUN-03)."""
        ...

    @property
    def attempt(self) -> int:
        """The attempt's number, from 1."""
        ...

    @property
    def state(self) -> StateContext:
        """Values of this flow."""
        ...

    @property
    def logger(self) -> LoggerContext:
        """Messages of this attempt."""
        ...

    @property
    def flow(self) -> FlowContext:
        """Triggers of this flow."""
        ...
