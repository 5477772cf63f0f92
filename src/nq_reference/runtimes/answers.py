"""Answers: what a child's calls are answered with, and what its own error replies mean (RPC-16, RPC-17)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nq_reference.failure import reason_of
from nq_reference.runtimes.context_calls import METHODS, BadParamsError, check_params
from nq_reference.runtimes.errors import ChildHandlerError
from nq_reference.runtimes.framing import encode
from nq_reference.runtimes.messages import BAD_PARAMS, FAILED, INVALID_REQUEST, UNKNOWN_METHOD, Call


def answer(id: Any, body: Mapping[str, Any]) -> bytes:
    """The reply to the request ``id``; an error instead of a ``body`` that JSON can't hold."""
    if not isinstance(id, str | int | float | None):
        id = None  # it is not one, and how deep it is nobody knows
    try:
        return encode({"id": id, **body})
    except (TypeError, ValueError, RecursionError) as error:
        refusal = _error(FAILED, f"the answer can't be sent as JSON: {reason_of(error)}")
        return json.dumps({"jsonrpc": "2.0", "id": id, "error": refusal}).encode() + b"\n"


def failure(error: Exception) -> dict[str, Any]:
    """The error object for a context call that raised (RPC-17)."""
    return _error(FAILED, reason_of(error), type=type(error).__name__)


def refusal_of(call: Call, *, running: bool) -> dict[str, Any] | None:
    """The error object that ``call`` is to be answered with if it is not to be made; ``running`` says
    whether there is a job that it could be for."""
    if not isinstance(call.method, str):
        return _error(INVALID_REQUEST, "the method must be text")
    if call.method not in METHODS:
        return _error(UNKNOWN_METHOD, f"no method {call.method!r}; there are {', '.join(METHODS)}")
    try:
        check_params(call.method, call.params)
    except BadParamsError as error:
        return _error(BAD_PARAMS, str(error))
    return None if running else _error(FAILED, f"{call.method}: no job is running")


def handler_error(error: Any) -> ChildHandlerError:
    """The error of an error reply, however badly that is made."""
    told = error if isinstance(error, dict) else {"message": error}
    data = told.get("data")
    data = data if isinstance(data, dict) else {}
    message = told.get("message")
    if not isinstance(message, str):
        message = json.dumps(error)
    return ChildHandlerError(
        message or str(data.get("type") or "the handler failed and did not say why"),
        type=str(data.get("type") or ""),
        traceback=str(data.get("traceback") or ""),
        unrecoverable=data.get("unrecoverable") is True,
    )


def _error(code: int, message: str, **data: Any) -> dict[str, Any]:
    return {"code": code, "message": message, **({"data": data} if data else {})}
