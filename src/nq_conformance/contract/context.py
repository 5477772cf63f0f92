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

    async def get(self, key: str) -> JSONValue: ...
    async def set(self, key: str, value: JSONValue) -> None: ...
    async def delete(self, key: str) -> None: ...


class FlowEngine(Protocol):
    """Hands a trigger to whatever subscribes to it; the payload names its flow (CTX-05)."""

    async def emit(self, trigger: str, payload: Mapping[str, Any]) -> Any: ...


class StateContext(Protocol):
    """``ctx.state``: JSON values of this flow; a missing key is ``None`` (CTX-02)."""

    async def get(self, key: str) -> JSONValue: ...
    async def set(self, key: str, value: JSONValue) -> None: ...
    async def delete(self, key: str) -> None: ...


class LoggerContext(Protocol):
    """``ctx.logger``: publishes a ``log`` event; never fails the job, whatever it is given (CTX-04)."""

    async def log(self, level: str, message: str, metadata: Any = None) -> None: ...


class FlowContext(Protocol):
    """``ctx.flow``: emits a trigger for this flow; errors reach the handler (CTX-05)."""

    async def emit(self, trigger: str, payload: Mapping[str, Any] | None = None) -> Any: ...


class RunContext(Protocol):
    """One attempt at one job, as its handler sees it (CTX-01)."""

    @property
    def job_id(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def flow_id(self) -> str: ...
    @property
    def flow_name(self) -> str: ...
    @property
    def step_name(self) -> str: ...
    @property
    def step_id(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def state(self) -> StateContext: ...
    @property
    def logger(self) -> LoggerContext: ...
    @property
    def flow(self) -> FlowContext: ...
