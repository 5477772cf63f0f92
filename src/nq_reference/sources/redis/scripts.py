"""The Lua scripts: loading them from their files, and calling them by their digest.

What a script does, takes and returns stands at the head of its file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from redis.exceptions import NoScriptError

Argument = str | bytes | int
Execute = Callable[..., Awaitable[Any]]
"""Runs one command on the server and returns its reply."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text, the shared part included, and the digest the server knows it by."""

    text: str
    sha: str


@cache
def load(verb: str) -> Script:
    """The script in ``lua/<verb>.lua``, behind ``lua/lib.lua``."""
    folder = resources.files(__package__) / "lua"
    text = "\n".join((folder / f"{name}.lua").read_text("utf-8") for name in ("lib", verb))
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


async def run(execute: Execute, verb: str, base: str, *args: Argument) -> Any:
    """Call the script ``verb`` for the queue with the base key ``base``, by means of ``execute``.

    A server that does not know it (new, restarted, flushed) is sent its text, and keeps it.
    Raises redis-py's errors.
    """
    script = load(verb)
    try:
        return await execute("EVALSHA", script.sha, 1, base, *args)
    except NoScriptError:
        return await execute("EVAL", script.text, 1, base, *args)
