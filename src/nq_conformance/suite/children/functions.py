"""Handlers in Python that the adapter's own child calls, named as ``module:function``."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import anyio

from nq_conformance.contract import RunContext

CONTEXT = ("job_id", "queue", "flow_id", "flow_name", "step_name", "step_id", "attempt")
_PATIENCE_S = 120


async def tells_its_context(data: Any, ctx: RunContext) -> Any:
    """What it was called with."""
    return {"data": data, **{name: getattr(ctx, name, "missing") for name in CONTEXT}}


async def prints(data: Any, ctx: RunContext) -> str:
    """Write to stdout in each way, none of it ending in a newline, around a call of the context."""
    _print_all_ways()
    await ctx.state.set("key", "kept")
    _print_all_ways()
    return f"{await ctx.state.get('key')} and done"


async def raises(data: Any, ctx: RunContext) -> None:
    """Fail like an application."""
    raise KeyError(f"no such order: {data['order']}")


async def catches(data: Any, ctx: RunContext) -> list[str]:
    """Call everything that may fail; returns what each call raised, in words."""
    calls = (
        lambda: ctx.state.get("key"),
        lambda: ctx.state.set("key", 1),
        lambda: ctx.state.delete("key"),
        lambda: ctx.flow.emit("trigger", {}),
    )
    words = []
    for call in calls:
        try:
            await call()
            words.append("nothing was raised")
        except Exception as error:
            words.append(str(error))
    return words


async def lets_pass(data: Any, ctx: RunContext) -> None:
    """Let the error of a call pass."""
    await ctx.state.get("key")


async def asks_at_once(data: Any, ctx: RunContext) -> list[Any]:
    """Ask for many keys at the same time; returns the values in the order of the keys."""
    values: dict[str, Any] = {}

    async def ask(key: str) -> None:
        values[key] = await ctx.state.get(key)

    async with anyio.create_task_group() as group:
        for key in data["keys"]:
            group.start_soon(ask, key)
    return [values[key] for key in data["keys"]]


async def talks(data: Any, ctx: RunContext) -> str:
    """Log and emit until the very end."""
    for number in range(data["times"]):
        line = f"line {number}"
        await ctx.logger.log("info", line)
        await ctx.flow.emit(f"trigger {number}", {"n": number})
    return "said all"


async def returns_what_json_cannot_hold(data: Any, ctx: RunContext) -> Any:
    """An object, a set, bytes or a list that holds itself."""
    cycle: list[Any] = []
    cycle.append(cycle)
    return {"object": object(), "set": {1}, "bytes": b"raw", "cycle": cycle}[data["kind"]]


async def waits_for_ever(data: Any, ctx: RunContext) -> None:
    """Note the pid, and go on for as long as nobody ends it."""
    _note_pid(data["path"])
    await anyio.sleep(_PATIENCE_S)


async def never_comes_back(data: Any, ctx: RunContext) -> None:
    """The same, and the event loop stands still meanwhile."""
    _note_pid(data["path"])
    time.sleep(_PATIENCE_S)  # noqa: ASYNC251 - like a handler that computes


def _note_pid(path: str) -> None:
    """As a whole or not at all."""
    draft = Path(f"{path}.draft")
    draft.write_text(json.dumps(os.getpid()), encoding="utf-8")
    draft.replace(path)


def _print_all_ways() -> None:
    print("progress", end="")
    sys.stdout.write("...")
    sys.stdout.flush()
    os.write(1, b'{"jsonrpc":"2.0",')
