"""What a line from a child is: a call, a reply, or nothing of the protocol (RPC-06)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

INVALID_REQUEST: Final = -32600
UNKNOWN_METHOD: Final = -32601
BAD_PARAMS: Final = -32602
FAILED: Final = -32000

NO_ID: Final = object()
"""The id of a notification; ``null`` is an id like any other (RPC-16)."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request, or a notification if its ``id`` is ``NO_ID``. Nothing about its parts is checked."""

    method: Any
    params: Any
    id: Any = NO_ID


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a request of ours: ``error`` counts if it is not ``None``."""

    id: Any
    result: Any = None
    error: Any = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What looks like a message and is beyond what can be read; ``why`` in words. It may have been the
    reply that somebody waits for."""

    why: str


def parse(line: bytes) -> Call | Reply | Unreadable | None:
    """The message in ``line``; ``None`` if there is none, whatever else it may be."""
    if not line.lstrip().startswith(b"{"):
        return None  # a print; no need to look closer
    message = _read(line)
    if isinstance(message, Unreadable):
        return message if b'"jsonrpc"' in line else None
    if message.get("jsonrpc") != "2.0":
        return None
    if "method" in message:
        return Call(message["method"], message.get("params", {}), message.get("id", NO_ID))
    if "id" in message and ("result" in message or message.get("error") is not None):
        return Reply(message["id"], message.get("result"), message.get("error"))
    return None


def _read(line: bytes) -> dict[str, Any] | Unreadable:
    """An object, an empty one for what is no JSON."""
    try:
        read: dict[str, Any] = json.loads(line.decode())
    except (UnicodeDecodeError, json.JSONDecodeError):
        return {}
    except RecursionError:
        return Unreadable("it is nested too deep")
    except ValueError as error:  # a number of more digits than Python takes
        return Unreadable(str(error))
    return read
