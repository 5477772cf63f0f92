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


def parse(line: bytes) -> Call | Reply | None:
    """The message in ``line``; ``None`` if there is none, whatever else it may be."""
    if not line.lstrip().startswith(b"{"):
        return None  # a print; no need to look closer
    try:
        message = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    if message.get("jsonrpc") != "2.0":
        return None
    if "method" in message:
        return Call(message["method"], message.get("params", {}), message.get("id", NO_ID))
    if "id" in message and ("result" in message or message.get("error") is not None):
        return Reply(message["id"], message.get("result"), message.get("error"))
    return None
