"""Children end, in whatever way, and leave nothing: no process, no zombie, no pipe (RPC-09 to RPC-13)."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from child_tools import (
    EACH_RUNTIME,
    HANDLERS,
    Workplace,
    children_of,
    gone,
    open_files,
    text_of,
    until,
    workplace,
)

from nq_conformance.services.owner import exists
from nq_reference import MemoryProvider
from nq_reference.runtimes import ChildOptions

pytestmark = pytest.mark.anyio
QUICK = ChildOptions(kill_grace_ms=200)


@pytest.fixture(params=["asyncio", "trio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Processes are waited for on each event loop."""
    if request.param == "uvloop":
        return "asyncio", {"use_uvloop": True}
    return request.param


@EACH_RUNTIME
@pytest.mark.parametrize("code", [0, 3])
async def test_an_exit_without_a_reply_names_its_code(runtime: str, code: int) -> None:
    """And what it said last (RPC-09)."""
    async with workplace() as place:
        await place.work(HANDLERS[runtime], runtime)
        reason = await place.reason({"do": "leave", "code": code})
        assert f"exited with code {code} before it answered" in reason
        assert reason.endswith("out of luck")


async def test_a_signal_is_named(tmp_path: Path) -> None:
    """Also one that no handler could tell of."""
    (tmp_path / "dies.py").write_text("import os\ndef handler(data, ctx): os.kill(os.getpid(), data)\n")
    async with workplace() as place:
        await place.work(str(tmp_path / "dies.py"))
        assert "was killed by SIGKILL before it answered" in await place.reason(signal.SIGKILL.value)


@EACH_RUNTIME
async def test_a_timeout_ends_the_child_and_its_children_before_the_job_fails(runtime: str) -> None:
    """Neither is left, though the handler computes and reads nothing (RPC-10, RPC-11)."""
    async with workplace(options=QUICK) as place:
        await place.work(HANDLERS[runtime], runtime)
        id = await place.add({"do": "wait_with_a_child", "flow_id": "f"}, timeout=4_000)

        async def told() -> Any:
            return place.around.values.get("f:pids")

        child, grandchild = await until(told, "the pids")
        job = await place.ended(id)
        assert "timeout of 4000 ms" in str(job.failed_reason)
        assert not exists(child)
        await gone(grandchild)


async def test_a_child_that_ignores_term_is_killed(tmp_path: Path) -> None:
    """After the grace period."""
    (tmp_path / "stays.py").write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "def handler(data, ctx):\n    ctx.state.set('pid', __import__('os').getpid())\n    time.sleep(100)\n"
    )
    async with workplace(options=QUICK) as place:
        await place.work(str(tmp_path / "stays.py"))
        assert "timeout" in await place.reason({"flow_id": "f"}, timeout=2_000)
        assert not exists(place.around.values["f:pid"])


@EACH_RUNTIME
async def test_what_a_child_leaves_behind_ends_with_it(runtime: str) -> None:
    """A grandchild holds the pipes open, and dies all the same (RPC-11)."""
    async with workplace() as place:
        await place.work(HANDLERS[runtime], runtime)
        await gone(await place.result({"do": "leave_a_child_behind"}))


async def test_fifty_jobs_leave_no_process_and_no_pipe() -> None:
    """Those that succeed, those that fail, and those whose child dies (RPC-12)."""
    async with workplace() as place:
        await place.work(HANDLERS["python"], concurrency=4)
        await place.result({"do": "pid"})
        await place.provider.close()
    files, processes = open_files(), children_of(os.getpid())
    async with workplace() as place:
        await place.work(HANDLERS["python"], concurrency=4)
        each = [{"do": "pid"}, {"do": "fail"}, {"do": "leave", "code": 1}, {"do": "leave_a_child_behind"}]
        for id in [await place.add(each[n % 4]) for n in range(50)]:
            await place.ended(id)
        await place.provider.close()
    assert open_files() <= files
    assert set(children_of(os.getpid())) <= set(processes)


async def test_closing_ends_a_child_at_work() -> None:
    """After the manager's bound for running handlers, not before it is gone (LIFE-05)."""
    async with workplace(MemoryProvider(close_timeout_ms=100), QUICK) as place:
        await place.work(HANDLERS["python"])
        await place.add({"do": "wait_with_a_child", "flow_id": "f"})

        async def told() -> Any:
            return place.around.values.get("f:pids")

        child, grandchild = await until(told, "the pids")
        await place.provider.close()
        assert not exists(child)
        await gone(grandchild)


async def test_a_system_without_pidfds_does_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends are noticed by asking then: an exit, a timeout, what is left behind."""

    def no_pidfds(_: int) -> int:
        raise OSError("not on this system")

    monkeypatch.setattr(os, "pidfd_open", no_pidfds)
    async with workplace(options=QUICK) as place:
        await place.work(HANDLERS["python"])
        assert "exited with code 3" in await place.reason({"do": "leave", "code": 3})
        assert "timeout" in await place.reason({"do": "wait"}, timeout=500)
        await gone(await place.result({"do": "leave_a_child_behind"}))


@EACH_RUNTIME
async def test_nothing_outlives_a_worker_that_is_killed(runtime: str, tmp_path: Path) -> None:
    """Neither a child that computes, nor its child, nor the one that was started ahead (RPC-13)."""
    program = Path(__file__).with_name("child_worker.py")
    command = [sys.executable, str(program), HANDLERS[runtime], runtime, str(tmp_path / "pids")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(place for place in sys.path if place)}
    async with await anyio.open_process(command, env=environment, stdout=None, stderr=None) as worker:

        async def told() -> list[int] | None:
            return [int(pid) for pid in text_of(tmp_path / "pids").split()]

        pids = await until(told, "the pids")
        pids += children_of(worker.pid)
        assert len(set(pids)) >= 4  # child, grandchild, the next child, the warden
        worker.kill()
    for pid in pids:
        await gone(pid)


async def test_a_handler_that_cannot_start_fails_its_attempts_alone(tmp_path: Path) -> None:
    """An import that fails, a program that is missing: the worker lives, others work (RPC-18)."""
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_module\n")
    (tmp_path / "empty.py").touch()
    async with workplace() as place:
        await place.work(str(broken))
        for _ in range(2):  # the second meets a child that was started ahead, and is dead
            reason = await place.reason(None)
            assert "exited with code 1" in reason
            assert "No module named 'no_such_module'" in reason
        await place.work(str(tmp_path / "empty.py"))
        assert "must define one handler" in await place.reason(None)
        await place.work(HANDLERS["python"], child=ChildOptions(python="no-such-python"))
        assert "could not start 'no-such-python'" in await place.reason(None)
        await _mended(place)


async def _mended(place: Workplace) -> None:
    await place.work(HANDLERS["python"])
    assert await place.result({"do": "give", "result": 1}) == 1
