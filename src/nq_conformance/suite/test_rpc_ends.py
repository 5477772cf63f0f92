"""RPC: how child processes end, and what is left of them: nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nq_conformance.lab import Lab, Queue
from nq_conformance.services.owner import exists
from nq_conformance.suite.pids import are_gone, is_zombie, open_pipes
from nq_conformance.suite.rules import rule
from nq_conformance.suite.scripted import (
    CHILD,
    HANGING,
    NEVER_MS,
    Children,
    each_runtime,
    failed_with,
    function,
    in_python,
    names_the_timeout,
    noted,
    script,
    scripted,
    timeout_for_hanging,
    while_others_hang,
)
from nq_conformance.suite.steps import (
    PID,
    Step,
    dies,
    exits,
    fail,
    hang,
    note,
    reply,
    spawn,
    until,
    when_told_to_end,
)

MANY = 50
AT_ONCE = 5
ENDS: dict[str, tuple[Step, str]] = {
    "exits with code 0": (exits(0), r"\b0\b"),
    "exits with code 3": (exits(3), r"\b3\b"),
    "is killed": (dies("SIGKILL"), r"SIGKILL|\b9\b"),
    "ends by a hang-up": (dies("SIGHUP"), r"SIGHUP|\b1\b"),
}
"""Ways to end without a reply, and what the reason must have in it."""
REPLIED = "after its reply"
FAMILY_ENDS: dict[str, tuple[Step, ...]] = {
    "by a signal": (dies("SIGKILL"),),
    REPLIED: (reply("done"), exits(0)),
}
"""Ways to end with a child of one's own."""


@rule("RPC-09")
@each_runtime
async def test_an_end_without_a_reply_fails_the_attempt_at_once(lab: Lab, runtime: str) -> None:
    """By exit codes and by signals, each named in the reason, long before any timeout."""
    children = await scripted(lab, runtime, concurrency=4)
    ids = [await children.start(step, timeout=NEVER_MS) for step, _ in ENDS.values()]
    for (how, (_, pattern)), job in zip(ENDS.items(), await children.all_end(ids), strict=True):
        says = re.compile(pattern).search
        failed_with(lab, job, says, f"names it (as /{pattern}/)", f"a child that {how}")
    await children.still_works("children that have ended without a reply")


@rule("RPC-09")
@each_runtime
async def test_a_reply_right_before_the_end_counts(lab: Lab, runtime: str) -> None:
    """The child replies and exits: what is still in the pipe is read before the exit is judged."""
    children = await scripted(lab, runtime)
    for number in range(1, 6):
        await children.gives(number, reply(number), exits(0), of="a child that replies and exits")


@rule("RPC-09")
@each_runtime
async def test_an_end_is_noticed_while_another_process_holds_the_pipes(
    lab: Lab, runtime: str, tmp_path: Path
) -> None:
    """The child has started a process that inherits its pipes, and exits without a reply."""
    children = await scripted(lab, runtime)
    job = await children.run(spawn(tmp_path / "grandchild"), exits(3), timeout=NEVER_MS)
    names = re.compile(r"\b3\b")
    failed_with(lab, job, names.search, "names the exit code 3", "a child with a child of its own that exits")


@rule("RPC-10")
@while_others_hang
@each_runtime
async def test_a_timeout_ends_a_child_that_does_not_want_to_end(lab: Lab, runtime: str, folder: Path) -> None:
    """One child takes TERM as its cue to leave, one ignores it: both jobs fail, both children go."""
    children = await scripted(lab, runtime, concurrency=2)
    told = folder / "told to end"
    behaviours = {
        "polite": when_told_to_end(note(told, "TERM"), exits(0)),
        "stubborn": when_told_to_end(),
    }
    ids = [
        await children.start(how, note(folder / who, PID), hang(), timeout=timeout_for_hanging(lab))
        for who, how in behaviours.items()
    ]
    pids = {f"the {who} child": await noted(lab, folder / who, "its pid") for who in behaviours}
    for job in await children.all_end(ids, HANGING):
        failed_with(lab, job, names_the_timeout, "names the timeout", "a job whose child hangs")
    await are_gone(lab, pids, "after its attempt ran into the timeout")
    lab.equal(await noted(lab, told, "that it was sent TERM"), "TERM", "what the polite child was sent first")
    await children.still_works("a timeout")


@rule("RPC-10")
@while_others_hang
@each_runtime
async def test_the_timeout_of_a_worker_ends_a_child(lab: Lab, runtime: str, folder: Path) -> None:
    """Given in the worker's options, for each attempt."""
    children = await scripted(lab, runtime, timeout_ms=timeout_for_hanging(lab))
    id = await children.start(note(folder / "pid", PID), hang())
    pid = await noted(lab, folder / "pid", "its pid")
    job = await children.ended(id, budget=HANGING)
    failed_with(lab, job, names_the_timeout, "names the timeout", "a job whose child hangs")
    await are_gone(lab, {"the child": pid}, "after its attempt ran into the timeout")


@rule("RPC-11")
@while_others_hang
@each_runtime
async def test_a_childs_children_end_with_it_by_the_timeout(lab: Lab, runtime: str, folder: Path) -> None:
    """Neither it nor the process that it has started takes a signal as its cue to leave."""
    await _family_ends(lab, runtime, folder, "by the timeout", when_told_to_end(), hang())


@rule("RPC-11")
@each_runtime
@pytest.mark.parametrize("how", FAMILY_ENDS)
async def test_a_childs_children_end_with_it(lab: Lab, runtime: str, how: str, tmp_path: Path) -> None:
    """By a signal, or after its reply."""
    await _family_ends(lab, runtime, tmp_path, how, *FAMILY_ENDS[how])


async def _family_ends(lab: Lab, runtime: str, folder: Path, how: str, *ends: Step) -> None:
    """A process that the child has started, and that holds its pipes, is gone as well."""
    children = await scripted(lab, runtime)
    steps = [spawn(folder / "grandchild"), note(folder / "child", PID), *ends]
    id = await children.start(*steps, timeout=timeout_for_hanging(lab))
    pids = {f"the {who}": await noted(lab, folder / who, "its pid") for who in ("child", "grandchild")}
    job = await children.ended(id, budget=HANGING)
    wanted = "completed" if how == REPLIED else "failed"
    lab.equal(job.state, wanted, f"state of a job whose child ends {how}", jobs=[id])
    await are_gone(lab, pids, f"when the child has ended {how}")


@rule("RPC-12")
@each_runtime
async def test_many_jobs_leave_no_process_and_no_pipe(lab: Lab, runtime: str, tmp_path: Path) -> None:
    """Fifty children that reply, fail or exit: none remains, not as a zombie, and neither do their pipes."""
    children = await scripted(lab, runtime, concurrency=AT_ONCE)
    first = await _warm_up(lab, children, tmp_path)
    before = open_pipes(lab.pid)
    ends = (reply("done"), fail("on purpose"), exits(1))
    ids = [
        await children.start(note(tmp_path / str(number), PID), ends[number % 3]) for number in range(MANY)
    ]
    pids = [await noted(lab, tmp_path / str(number), "its pid") for number in range(MANY)]
    await children.all_end(ids)
    # An adapter may keep as many children for later jobs as it runs at once, each with three pipes; those
    # of the first ones were open before.
    kept: list[int] = []
    pipes = before

    async def are_few() -> bool:
        nonlocal pipes
        kept[:] = [pid for pid in first.union(pids) if exists(pid)]
        pipes = open_pipes(lab.pid)
        own = 3 * len(set(kept) - first)
        return len(kept) <= AT_ONCE and not any(map(is_zombie, kept)) and pipes <= before + own

    await lab.eventually(
        are_few,
        budget=CHILD,
        expected=f"after {MANY} jobs no zombie, no more than {AT_ONCE} children, and only their pipes",
        seen=lambda: (
            f"{len(kept)} of the children, {sum(map(is_zombie, kept))} of them zombies; {before} "
            f"pipes and sockets were open before, {pipes} now"
        ),
    )


async def _warm_up(lab: Lab, children: Children, folder: Path) -> set[int]:
    """Have as many children at work together as may be, and more jobs behind them, so that what an
    adapter opens for such times, and keeps, is open. Returns the pids of the first ones."""
    go, notes = folder / "go", [folder / f"first {number}" for number in range(AT_ONCE)]
    ids = [await children.start(note(path, PID), until(go), reply("warm")) for path in notes]
    pids = {await noted(lab, path, "its pid") for path in notes}
    go.touch()
    ids += [await children.start(reply("warm")) for _ in notes]
    await children.all_end(ids)
    await children.gives("warm", reply("warm"), of="the job after the first ones")  # meanwhile those can go
    return pids


@rule("RPC-13")
@each_runtime
async def test_children_end_when_their_worker_is_killed(lab: Lab, runtime: str, tmp_path: Path) -> None:
    """Two children at work, each of which ends when its input does: it does, for both."""
    host = await lab.host()
    queue = Queue("orphans", lab, await host.provider())
    manager = await host.manager()
    await queue.work(script(runtime), manager=manager, runtime=runtime, concurrency=2)
    children = Children(lab, queue)
    names = ("first", "second")
    for name in names:
        await children.start(note(tmp_path / name, PID))
    pids = {f"the {name} child": await noted(lab, tmp_path / name, "its pid") for name in names}
    await host.kill(alone=True)
    await are_gone(lab, pids, "when the worker's process was killed")


@rule("RPC-13")
@in_python
@pytest.mark.parametrize("handler", ["waits_for_ever", "never_comes_back"])
async def test_a_function_ends_when_its_worker_is_killed(lab: Lab, handler: str, tmp_path: Path) -> None:
    """Its child notices the end of its input although the function goes on, awaiting or computing."""
    host = await lab.host()
    queue = Queue("orphans", lab, await host.provider())
    await queue.work(function(handler), manager=await host.manager(), runtime="python")
    await queue.add({"path": str(tmp_path / "pid")})
    pid = await noted(lab, tmp_path / "pid", "its pid")
    await host.kill(alone=True)
    await are_gone(lab, {"the child": pid}, "when the worker's process was killed")
