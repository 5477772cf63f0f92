"""RPC: children that cannot start, break off, or say what nobody asked."""

from __future__ import annotations

import os
import re
import shutil
from functools import partial
from pathlib import Path

from nq_conformance.lab import Lab
from nq_conformance.suite.rules import rule
from nq_conformance.suite.scripted import (
    HANGING,
    NEVER_MS,
    completed_with,
    each_runtime,
    failed_with,
    function,
    in_python,
    names_the_timeout,
    noted,
    running,
    script,
    scripted,
    timeout_for_hanging,
    while_others_hang,
)
from nq_conformance.suite.steps import (
    ID,
    Step,
    call,
    exits,
    frame,
    hang,
    note,
    reply,
    result,
    when_told_to_end,
    write,
)

LARGE = 8 * 1024 * 1024
BROKEN_IMPORTS = {
    "python": "import nq_there_is_no_such_module\n",
    "node-isolated": 'import "./missing.mjs";\n',
}


@rule("RPC-18")
@each_runtime
async def test_a_script_that_is_gone_fails_the_attempt(lab: Lab, runtime: str, tmp_path: Path) -> None:
    """It was there when it was registered; when it is back, a job of several attempts completes."""
    path = shutil.copy(script(runtime), tmp_path)
    children = await running(lab, str(path), runtime)
    os.remove(path)  # noqa: PTH107 - pathlib's method is refused in a coroutine
    job = await children.run(reply("never"), timeout=NEVER_MS)
    failed_with(lab, job, bool, "says something", "a job whose script is not there")
    shutil.copy(script(runtime), tmp_path)
    # The first may fail yet: an adapter may start its children before there is a job for them.
    again = {"attempts": 5, "backoff": ("fixed", 100)}
    await children.gives("back", reply("back"), of="a job after its script has come back", **again)


@rule("RPC-18")
@each_runtime
async def test_a_script_that_cannot_import_fails_the_attempt(lab: Lab, runtime: str, tmp_path: Path) -> None:
    """A module is missing; another handler of the queue goes on."""
    children = await scripted(lab, runtime)
    path = _broken_script(runtime, tmp_path)
    await children.queue.work(str(path), name="broken", runtime=runtime)
    id = await children.start(name="broken", timeout=NEVER_MS)
    failed_with(lab, await children.ended(id), bool, "says something", "a job whose script can't import")
    await children.still_works("one whose script can't import")


@rule("RPC-18")
@in_python
async def test_a_function_that_cannot_be_imported_fails_the_attempt(lab: Lab) -> None:
    """Its module raises at import, or has no such function; the reason says which, and the worker goes on."""
    children = await scripted(lab, "python")
    handlers = {"module": ("any", "unimportable"), "function": ("no_such_function", "functions")}
    for what, (name, module) in handlers.items():
        await children.queue.work(function(name, module), name=what, runtime="python")
        job = await children.ended(await children.start(name=what, timeout=NEVER_MS))
        says = "nq_there_is_no_such_module" if what == "module" else "no_such_function"
        failed_with(lab, job, partial(_is_in, says), f"says {says!r}", f"a job whose {what} is not there")
    await children.still_works("one whose function can't be imported")


@rule("RPC-24")
@while_others_hang
@each_runtime
async def test_a_broken_child_is_not_used_again(lab: Lab, runtime: str) -> None:
    """After an end, with a reply or without, a timeout and half a frame, the next job's child works."""
    children = await scripted(lab, runtime)
    ends: dict[str, tuple[list[Step], str]] = {
        "a child that has exited": ([exits(1)], "failed"),
        "a child that has replied and exited": ([reply("last words"), exits(1)], "completed"),
        "a child that hangs": ([hang()], "failed"),
        "a child that has printed half a frame": ([write('{"jsonrpc":'), exits(0)], "failed"),
    }
    for what, (steps, state) in ends.items():
        job = await children.run(*steps, budget=HANGING, timeout=timeout_for_hanging(lab))
        lab.equal(job.state, state, f"state of the job of {what}", jobs=[job.id])
        await children.still_works(what)


@rule("RPC-19")
@each_runtime
async def test_the_first_reply_counts_and_others_do_not(lab: Lab, runtime: str) -> None:
    """A second reply, also an error, and replies to what was not asked, before and after the right one."""
    children = await scripted(lab, runtime)
    wrong = [frame(id="nobody asked", result="wrong"), frame(id=10**9, error={"code": 1, "message": "wrong"})]
    error = frame(id=ID, error={"code": -32000, "message": "second thoughts"})
    scripts = {
        "replies twice": [write(result("right"), result("wrong"))],
        "replies, then with an error": [write(result("right"), error)],
        "first answers what was not asked": [write(*wrong, result("right"))],
        "then answers what was not asked": [write(result("right"), *wrong)],
    }
    for how, steps in scripts.items():
        await children.gives("right", *steps, of=f"a child that {how}")
        await children.still_works(f"one whose child {how}")


@rule("RPC-19")
@while_others_hang
@each_runtime
async def test_a_late_reply_is_nobodys(lab: Lab, runtime: str, folder: Path) -> None:
    """A child replies when it is told to end, after its timeout: its job has failed, the next is not met."""
    children = await scripted(lab, runtime)
    late = when_told_to_end(reply("late"), note(folder / "replied", "late"), hang())
    id = await children.start(late, hang(), timeout=timeout_for_hanging(lab))
    after = await children.start(reply("its own"))
    job = await children.ended(id, budget=HANGING)
    failed_with(lab, job, names_the_timeout, "names the timeout", "a job whose child replies too late")
    lab.equal(await noted(lab, folder / "replied", "its late reply"), "late", "what the child has done")
    completed_with(lab, await children.ended(after), "its own", "the job after it")
    await lab.canary()
    job = await children.queue.job(id)
    lab.equal((job.state, job.return_value), ("failed", None), "state and result after the late reply")


@rule("RPC-22")
@each_runtime
async def test_a_child_that_does_not_read_its_request_fails_the_attempt(lab: Lab, runtime: str) -> None:
    """It exits with code 3 before it reads: a small request and one of 8 MiB end alike."""
    children = await scripted(lab, runtime)
    await children.queue.work(script(runtime, "exits"), name="exits", runtime=runtime)
    for size in (1, LARGE):
        id = await children.start(data={"payload": "x" * size}, name="exits", timeout=NEVER_MS)
        job = await children.ended(id)
        names = re.compile(r"\b3\b")
        failed_with(lab, job, names.search, "names the exit code 3", f"a child that never reads {size} bytes")
        await children.still_works("one whose child never reads its request")


@rule("RPC-22")
@each_runtime
async def test_a_child_that_does_not_read_its_answers_fails_the_attempt(lab: Lab, runtime: str) -> None:
    """It makes two hundred calls and exits; their answers go nowhere, and the worker goes on."""
    children = await scripted(lab, runtime)
    lab.state.oracle = _much
    calls = [call(n, "ctx.state.get", key="key") for n in range(200)]
    job = await children.run(write(*calls), exits(3), timeout=NEVER_MS)
    names = re.compile(r"\b3\b")
    failed_with(lab, job, names.search, "names the exit code 3", "a child that never reads its answers")
    await children.still_works("one whose child never reads its answers")


def _is_in(words: str, reason: str) -> bool:
    return words in reason


def _broken_script(runtime: str, folder: Path) -> Path:
    path = folder / f"broken{Path(script(runtime)).suffix}"
    path.write_text(BROKEN_IMPORTS[runtime], encoding="utf-8")
    return path


async def _much(_: str) -> str:
    return "x" * 10_000
