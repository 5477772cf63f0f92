"""``ctx`` in a child process: the same names as in the worker's own process, each call a message.

For an async handler the calls are awaited; for a plain function they return when they are answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Ask = Callable[[str, Mapping[str, Any]], Any]
"""Makes a call: returns its result, or an awaitable of it. The first word of its method says which."""


class ContextCallError(Exception):
    """A context call failed in the parent; says what it said there. ``type`` names its type (RPC-17)."""

    def __init__(self, message: str, type: str = "") -> None:
        super().__init__(message)
        self.type = type


class Context:
    """One attempt at one job, as its handler sees it (CTX-01)."""

    def __init__(self, fields: Mapping[str, Any], ask: Ask, tell: Ask) -> None:
        self.job_id: str = fields["jobId"]
        self.queue: str = fields["queue"]
        self.flow_id: str = fields["flowId"]
        self.flow_name: str = fields["flowName"]
        self.step_name: str = fields["stepName"]
        self.step_id: str = fields["stepId"]
        self.attempt: int = fields["attempt"]
        self.state = State(ask)
        self.logger = Logger(tell)
        self.flow = Flow(ask)


class State:
    """``ctx.state``: JSON values of this flow. Failures raise ``ContextCallError``."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def get(self, key: str) -> Any:
        """The flow's value under ``key``, ``None`` if there is none."""
        return self._ask("ctx.state.get", {"key": key})

    def set(self, key: str, value: Any) -> Any:
        """Keep ``value`` for this flow."""
        return self._ask("ctx.state.set", {"key": key, "value": value})

    def delete(self, key: str) -> Any:
        """Forget this flow's ``key``."""
        return self._ask("ctx.state.delete", {"key": key})


class Logger:
    """``ctx.logger``: takes anything, never fails the job (CTX-04)."""

    def __init__(self, tell: Ask) -> None:
        self._tell = tell

    def log(self, level: str, message: str, metadata: Any = None) -> Any:
        """Publish ``message`` with ``metadata``."""
        params: dict[str, Any] = {"level": _shown(level), "message": _shown(message)}
        if metadata is not None:
            params["metadata"] = metadata
        return self._tell("ctx.logger.log", params)


class Flow:
    """``ctx.flow``: triggers of this flow. Failures raise ``ContextCallError``."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def emit(self, trigger: str, payload: Mapping[str, Any] | None = None) -> Any:
        """Emit ``trigger``; the flow's ids are added by the parent."""
        return self._ask("ctx.flow.emit", {"trigger": trigger, "payload": payload})


def _shown(text: object) -> str:
    if isinstance(text, str):
        return text
    try:
        return str(text)
    except Exception:
        return f"<{type(text).__name__}>"
