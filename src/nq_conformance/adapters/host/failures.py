"""Errors on the wire: what a call raised at one end, as an answer, and raised again at the other."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
UNKNOWN_METHOD, BAD_PARAMS, FAILED = -32601, -32602, -32000


class RemoteError(Exception):
    """What a call raised at the other end. ``kind`` is the name of its type there."""

    kind = "Exception"
    trace = ""
    unrecoverable = False


def error_answer(code: int, text: str, **data: Any) -> dict[str, Any]:
    """The part of an answer that tells an error."""
    return {"error": {"code": code, "message": text, **({"data": data} if data else {})}}


def error_of(error: BaseException) -> dict[str, Any]:
    """The same for what was raised, which may itself raise when it is asked for its words."""
    kind = error.kind if isinstance(error, RemoteError) else type(error).__name__
    words = _asked(lambda: str(error), "")
    return error_answer(
        FAILED,
        _unicode(words) or kind,
        type=_unicode(kind),
        trace=_unicode(_asked(lambda: "".join(traceback.format_exception(error)), "")),
        unrecoverable=_asked(lambda: getattr(error, "unrecoverable", False) is True, False),
    )


def remote_error(given: Any) -> RemoteError:
    """An exception whose class has the name of the one at the other end: rules go by names."""
    told = given if isinstance(given, dict) else {"message": str(given)}
    data = told.get("data")
    data = data if isinstance(data, dict) else {}
    kind = _unicode(str(data.get("type", "RemoteError"))).replace("\0", "?")
    error: RemoteError = type(kind, (RemoteError,), {})(str(told.get("message", "")))
    error.kind = kind
    error.trace, error.unrecoverable = str(data.get("trace", "")), data.get("unrecoverable") is True
    return error


def _asked(ask: Callable[[], T], otherwise: T) -> T:
    try:
        return ask()
    except Exception:
        return otherwise


def _unicode(text: str) -> str:
    """``text`` for people: a surrogate without its other half, which UTF-8 does not have, is a ?."""
    return text.encode(errors="replace").decode()
