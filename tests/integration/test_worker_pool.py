"""A pool's processes, real ones: crashes, stops, kills and scaling."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from nq_conformance.suite.pids import is_running
from nq_reference.pool import PoolEvent, Reading, RestartPolicy, ScalingPolicy, WorkerPool

pytestmark = pytest.mark.anyio
BUDGET_S = 30.0
PATIENT = """
import signal, sys, time
from pathlib import Path
def drain(*_):
    Path(sys.argv[1], "drained").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, drain)
Path(sys.argv[1], "ready").touch()
while True:
    time.sleep(60)
"""
STUBBORN = """
import os, signal, subprocess, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
draft = Path(sys.argv[1], "draft")
draft.write_text(str(child.pid))
draft.rename(Path(sys.argv[1], "ready"))
time.sleep(600)
"""
ORPHANING = """
import subprocess, sys
from pathlib import Path
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path(sys.argv[1], "ready").write_text(str(child.pid))
sys.exit(3)
"""
SLOWLY = RestartPolicy(first_ms=600_000, most_ms=600_000, healthy_ms=0)
CRASHING = """
import sys
from pathlib import Path
starts = Path(sys.argv[1], "starts")
with starts.open("a") as file:
    file.write("x")
if len(starts.read_text()) < 4:
    sys.exit(3)
Path(sys.argv[1], "ready").touch()
sys.stdin.read()
"""


class Watched:
    """A pool that runs, and what it has told."""

    def __init__(self, pool: WorkerPool, events: list[PoolEvent]) -> None:
        self.pool = pool
        self.events = events

    def of(self, kind: str) -> list[PoolEvent]:
        return [event for event in self.events if event.type == kind]

    async def until(self, met: Callable[[], bool], what: str) -> None:
        with anyio.move_on_after(BUDGET_S):
            while not met():  # noqa: ASYNC110 - files and processes signal nobody
                await anyio.sleep(0.01)
        assert met(), f"not within {BUDGET_S} s: {what}; told: {[str(e) for e in self.events]}"


class SetGauge:
    """Reads whatever the test sets."""

    def __init__(self) -> None:
        self.waiting = 0
        self.fails = False
        self.failed = 0

    async def read(self) -> Sequence[Reading]:
        if self.fails:
            self.failed += 1
            raise ConnectionError("the server is away")
        return [Reading("q", self.waiting, 0)]


@asynccontextmanager
async def running(
    script: str, folder: Path, policy: ScalingPolicy, **options: object
) -> AsyncIterator[Watched]:
    events: list[PoolEvent] = []
    command = [sys.executable, "-c", script, str(folder)]
    pool = WorkerPool(command, policy, on_event=events.append, **options)  # type: ignore[arg-type]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pool.run)
        yield Watched(pool, events)
        pool.stop()


async def test_a_pool_drains_its_workers_when_it_is_stopped(tmp_path: Path) -> None:
    """SIGTERM is answered by the worker itself; nothing is left running."""
    async with running(PATIENT, tmp_path, ScalingPolicy()) as watched:
        await watched.until((tmp_path / "ready").exists, "a worker is ready")
        (pid,) = watched.pool.pids
    assert (tmp_path / "drained").exists()
    assert not is_running(pid)
    assert [event.type for event in watched.events] == [
        *("pool.started", "worker.started", "pool.stopping", "worker.stopped", "pool.stopped")
    ]


async def test_a_worker_that_crashes_is_started_again_ever_later(tmp_path: Path) -> None:
    """The first time at once; what it ended with is told."""
    restarts = RestartPolicy(first_ms=20, most_ms=50, healthy_ms=600_000)
    async with running(CRASHING, tmp_path, ScalingPolicy(), restarts=restarts) as watched:
        await watched.until((tmp_path / "ready").exists, "the fourth start is a good one")
    assert [event.data for event in watched.of("worker.crashed")] == [
        {"exit": "exited with code 3", "restart_in_ms": delay} for delay in (0, 20, 40)
    ]


async def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    """The event names the signal."""
    async with running(PATIENT, tmp_path, ScalingPolicy()) as watched:
        await watched.until((tmp_path / "ready").exists, "a worker is ready")
        os.kill(watched.pool.pids[0], 9)
        await watched.until(lambda: len(watched.of("worker.started")) == 2, "another one is started")
    assert watched.of("worker.crashed")[0].data["exit"] == "was killed by SIGKILL"


async def test_a_worker_that_does_not_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    """After the grace, and the pool tells it."""
    async with running(STUBBORN, tmp_path, ScalingPolicy(), grace_ms=200) as watched:
        await watched.until((tmp_path / "ready").exists, "a worker is ready")
        child = int((tmp_path / "ready").read_text())
        (pid,) = watched.pool.pids
    assert watched.of("worker.killed")
    assert not is_running(pid)
    await watched.until(lambda: not is_running(child), "the worker's child is gone")


async def test_what_a_crashed_worker_has_started_is_killed(tmp_path: Path) -> None:
    """Or it would pile up with each crash."""
    async with running(ORPHANING, tmp_path, ScalingPolicy(), restarts=SLOWLY) as watched:
        await watched.until(lambda: bool(watched.of("worker.crashed")), "it crashes")
        child = int((tmp_path / "ready").read_text())
        await watched.until(lambda: not is_running(child), "its child is gone")


async def test_a_command_that_cannot_be_started_is_told_and_tried_again(tmp_path: Path) -> None:
    """As when a file is replaced by a deployment."""
    events: list[PoolEvent] = []
    missing = tmp_path / "absent"
    pool = WorkerPool([str(missing)], ScalingPolicy(), on_event=events.append)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pool.run)
        await Watched(pool, events).until(lambda: len(events) > 2, "it is told")
        pool.stop()
    assert str(missing) in events[1].data["exit"]


async def test_a_pool_grows_with_the_backlog_and_shrinks_after_it(tmp_path: Path) -> None:
    """Each decision is an event with its reason; a gauge that fails changes nothing."""
    gauge = SetGauge()
    policy = ScalingPolicy(min_workers=1, max_workers=3, cool_down_ms=50, out_cool_down_ms=1)
    async with running(PATIENT, tmp_path, policy, gauge=gauge, look_every_ms=10) as watched:
        gauge.waiting = 30
        await watched.until(lambda: len(watched.pool.pids) == 3, "three workers run")
        gauge.fails = True
        await watched.until(lambda: gauge.failed > 2, "the gauge fails again and again")
        assert len(watched.of("gauge.failed")) == 1
        assert watched.pool.size == 3
        gauge.fails, gauge.waiting = False, 0
        await watched.until(
            lambda: len(watched.of("worker.stopped")) + len(watched.of("worker.killed")) == 2, "2 end"
        )
        assert watched.pool.size == 1
    told = [(e.data["before"], e.data["workers"], e.data["reason"]) for e in watched.of("pool.scaled")]
    assert told == [(1, 2, "depth of q"), (2, 3, "depth of q"), (3, 1, "idle")]


async def test_a_pool_that_is_cancelled_leaves_nothing_running(tmp_path: Path) -> None:
    """Also no worker that has just been started."""
    events: list[PoolEvent] = []
    pool = WorkerPool(
        [sys.executable, "-c", PATIENT, str(tmp_path)], ScalingPolicy(3, 3), on_event=events.append
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pool.run)
        await Watched(pool, events).until(lambda: len(pool.pids) == 3, "three workers run")
        pids = pool.pids
        tasks.cancel_scope.cancel()
    assert not [pid for pid in pids if is_running(pid)]
