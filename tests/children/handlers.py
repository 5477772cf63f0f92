"""A handler that does what its job says; the same as handlers.mjs."""

import asyncio
import os
import subprocess
import sys
import time
from typing import Any

tasks: list[Any] = []
FIELDS = ("job_id", "queue", "flow_id", "flow_name", "step_name", "step_id", "attempt")


async def handler(data: Any, ctx: Any) -> Any:
    return await globals()[data["do"]](data, ctx)


async def echo(data: Any, ctx: Any) -> Any:
    return {"data": data, "context": [getattr(ctx, name) for name in FIELDS]}


async def give(data: Any, ctx: Any) -> Any:
    return data["result"]


async def fail(data: Any, ctx: Any) -> Any:
    raise LookupError("no such order")


async def fail_for_good(data: Any, ctx: Any) -> Any:
    error = LookupError("never")
    vars(error)["unrecoverable"] = True
    raise error


async def keep(data: Any, ctx: Any) -> Any:
    await ctx.state.set("key", data["value"])
    kept = await ctx.state.get("key")
    await ctx.state.delete("key")
    return [kept, await ctx.state.get("key")]


async def ask_together(data: Any, ctx: Any) -> Any:
    return list(await asyncio.gather(*(ctx.state.get(key) for key in data["keys"])))


async def talk(data: Any, ctx: Any) -> Any:
    for number in range(data["times"]):
        print("progress", end="", flush=True)
        line = f"line {number}"
        tasks.append(asyncio.ensure_future(ctx.logger.log("info", line, {"n": number})))
        tasks.append(asyncio.ensure_future(ctx.flow.emit(f"trigger {number}")))
    return "said"


async def log_anything(data: Any, ctx: Any) -> Any:
    await ctx.logger.log("info", "strange", {"object": object()})
    cycle: list[Any] = []
    cycle.append(cycle)
    await ctx.logger.log("info", "stranger", cycle)
    return "logged"


async def give_what_json_cannot_hold(data: Any, ctx: Any) -> Any:
    return object()


async def catch(data: Any, ctx: Any) -> Any:
    try:
        await ctx.state.get("key")
    except Exception as error:
        return str(error)


async def leave(data: Any, ctx: Any) -> Any:
    sys.stderr.write("out of luck\n")
    sys.exit(data["code"])


async def wait(data: Any, ctx: Any) -> Any:
    await asyncio.sleep(100)


async def wait_with_a_child(data: Any, ctx: Any) -> Any:
    await ctx.state.set("pids", [os.getpid(), _child()])
    time.sleep(100)  # noqa: ASYNC251 - it computes


async def leave_a_child_behind(data: Any, ctx: Any) -> Any:
    return _child()


async def pid(data: Any, ctx: Any) -> Any:
    return os.getpid()


async def environment(data: Any, ctx: Any) -> Any:
    return dict(os.environ)


async def fill_memory(data: Any, ctx: Any) -> Any:
    return len(bytearray(data["bytes"]))


async def read_stdin(data: Any, ctx: Any) -> Any:
    return sys.stdin.read()


def _child() -> int:
    return subprocess.Popen(["sleep", "100"]).pid
