"""The words in which a test tells a scripted child what to do.

A step is a list: its name and its arguments, as ``children/script.py`` and ``script.mjs`` read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

Step: TypeAlias = list[Any]
Part: TypeAlias = str | Mapping[str, Any]
"""What a child writes: text as it is, or bytes, frames and halves of frames, made below."""

ID: Final = {"$": "id"}
LINE: Final = {"$": "line"}
PAYLOAD: Final = {"$": "payload"}
CONTEXT: Final = {"$": "context"}
VARIABLES: Final = {"$": "variables"}
PID: Final = {"$": "pid"}
MESSAGES: Final = {"$": "messages"}
"""The request's id and line, what the test put into ``payload``, the context, the names of the child's
environment variables, its pid, and the messages that it received since: for use in what it writes."""


def text(of: str, times: int) -> Mapping[str, Any]:
    """A text that the child makes, so that it need not travel to it."""
    return {"$": "text", "of": of, "times": times}


def in_json(of: Any) -> Mapping[str, Any]:
    """The JSON text of a value that the child knows."""
    return {"$": "json", "of": of}


# -- what is written ---------------------------------------------------------------------------


def frame(**message: Any) -> Part:
    """A line with a JSON-RPC 2.0 message."""
    return {"frame": {"jsonrpc": "2.0", **message}}


def result(value: Any) -> Part:
    """The reply to ``execute``."""
    return frame(id=ID, result=value)


def call(id: Any, method: str, **params: Any) -> Part:
    """A request of the child."""
    return frame(id=id, method=method, params=params)


def notice(method: str, **params: Any) -> Part:
    """A notification of the child."""
    return frame(method=method, params=params)


def halves(of: Part, at: str) -> tuple[Part, Part]:
    """The bytes of a frame in two parts, cut behind the first byte of the text ``at`` in it."""
    assert not isinstance(of, str)
    return {**of, "at": at, "side": "head"}, {**of, "at": at, "side": "tail"}


def raw(data: bytes) -> Part:
    """Any bytes."""
    return {"hex": data.hex()}


# -- steps -------------------------------------------------------------------------------------


def write(*parts: Part) -> Step:
    """Write all of it to stdout at once."""
    return ["write", *parts]


def reply(value: Any) -> Step:
    """Write the reply."""
    return write(result(value))


def fail(message: str, kind: str = "Error", traceback: str = "") -> Step:
    """Write an error reply, as for a handler that raised."""
    error = {"code": -32000, "message": message, "data": {"type": kind, "traceback": traceback}}
    return write(frame(id=ID, error=error))


def receive(*ids: Any) -> Step:
    """Read until each of the requests ``ids`` has been answered."""
    return ["receive", *ids]


def ask(id: Any, method: str, **params: Any) -> list[Step]:
    """Make a request and wait for the answer."""
    return [write(call(id, method, **params)), receive(id)]


def complain(text: str, times: int = 1) -> Step:
    """Write to stderr."""
    return ["complain", text, times]


def note(path: Path, value: Any) -> Step:
    """Write a file for the test; see ``noted``."""
    return ["note", str(path), value]


def until(path: Path) -> Step:
    """Wait for a file of the test."""
    return ["until", str(path)]


def hang() -> Step:
    """Do nothing more, and read nothing more."""
    return ["hang"]


def exits(code: int) -> Step:
    """End with this code."""
    return ["exit", code]


def dies(signal: str) -> Step:
    """End by this signal, such as SIGKILL."""
    return ["die", signal]


def when_told_to_end(*steps: Step) -> Step:
    """From now on, do this at TERM, and go on."""
    return ["when_told_to_end", *steps]


def spawn(path: Path) -> Step:
    """Start a process that inherits the child's pipes, and note its pid."""
    return ["spawn", str(path)]


def close(descriptor: int) -> Step:
    """Close a file descriptor."""
    return ["close", descriptor]
