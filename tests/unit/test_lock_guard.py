"""The thread that renews locks while a handler blocks the event loop (STL-10)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio.lowlevel
import pytest

from nq_conformance.contract import JobOptions
from nq_reference.engine.lock_guard import Held, LockGuard
from nq_reference.engine.lock_keeper import LockKeeper
from nq_reference.job_source import ClaimedJob, JobSource

pytestmark = pytest.mark.anyio
BUDGET_S = 20.0
LOCK_MS = 200
JOB = ClaimedJob(id="a", name="n", data="1", opts=JobOptions(), attempts_made=0, token="t")


class FakeSource:
    """Tells which thread renewed what; its twins tell it to the same lists."""

    def __init__(self, fails: int = 0) -> None:
        self.renewals: list[tuple[int, Sequence[tuple[str, str]]]] = []
        self.by_twin = threading.Event()
        self.opened = self.closed = 0
        self.fails = fails
        self.twin: Any = lambda: cast("JobSource", FakeTwin(self))

    async def extend_locks(self, queue: str, held: Sequence[tuple[str, str]], ms: int) -> Sequence[str]:
        self.renewals.append((threading.get_ident(), held))
        return ()


class FakeTwin:
    def __init__(self, whole: FakeSource) -> None:
        self._whole = whole

    async def open(self) -> None:
        self._whole.opened += 1
        if self._whole.opened <= self._whole.fails:
            raise ConnectionError("no server")

    async def close(self) -> None:
        self._whole.closed += 1

    async def extend_locks(self, queue: str, held: Sequence[tuple[str, str]], ms: int) -> Sequence[str]:
        await self._whole.extend_locks(queue, held, ms)
        self._whole.by_twin.set()
        return ()


def guards() -> int:
    """How many threads of guards there are."""
    return sum(thread.name == "nq locks of q" for thread in threading.enumerate())


def open_files() -> int:
    """How many file descriptors this process has."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


def keeper_of(source: FakeSource) -> LockKeeper:
    return LockKeeper(cast("JobSource", source), "q", LOCK_MS)


async def test_a_blocked_loop_has_its_locks_renewed_from_another_thread() -> None:
    source = FakeSource()
    keeper = keeper_of(source)
    keeper.start()
    keeper.hold(JOB)
    assert source.by_twin.wait(BUDGET_S), "nothing was renewed while the loop stood still"
    await keeper.close()
    assert source.renewals[0][0] != threading.get_ident()
    assert source.renewals[0][1] == [("a", "t")]
    assert (source.opened, source.closed) == (1, 1)


async def test_a_loop_that_runs_renews_by_itself() -> None:
    """The guard opens no connection; its thread is gone after close."""
    source = FakeSource()
    keeper = LockKeeper(cast("JobSource", source), "q", 10_000)
    keeper.start()
    keeper.hold(JOB)
    await keeper._renew()
    await keeper.close()
    assert [thread for thread, _ in source.renewals] == [threading.get_ident()]
    assert source.opened == 0
    assert guards() == 0


async def test_a_server_that_is_away_is_tried_again() -> None:
    source = FakeSource(fails=2)
    keeper = keeper_of(source)
    keeper.start()
    keeper.hold(JOB)
    assert source.by_twin.wait(BUDGET_S), "it gave up"
    await keeper.close()
    assert source.opened == 3


async def test_a_source_of_one_process_needs_no_thread() -> None:
    source = FakeSource()
    source.twin = None
    keeper = keeper_of(source)
    before = threading.active_count()
    keeper.start()
    keeper.hold(JOB)
    assert threading.active_count() == before
    await anyio.lowlevel.checkpoint()
    await keeper.close()


async def test_a_worker_that_has_had_no_job_has_no_thread() -> None:
    """It comes with the first job, and is the only one however many follow."""
    keeper = keeper_of(FakeSource())
    keeper.start()
    assert guards() == 0
    for id in ("a", "b", "c"):
        keeper.hold(replace(JOB, id=id))
        assert guards() == 1
    await keeper.close()


def test_a_guard_that_has_nothing_to_do_opens_no_file() -> None:
    """A process with hundreds of queues has a guard for each, and a limit for its descriptors."""
    seen: list[int] = []
    looked_thrice = threading.Event()

    def overdue() -> Held:
        seen.append(open_files())
        if len(seen) == 3:
            looked_thrice.set()
        return ()

    guard = LockGuard(FakeSource().twin, "q", LOCK_MS, overdue)
    before = open_files()
    guard.start()
    assert looked_thrice.wait(BUDGET_S), "the guard does not look"
    guard.ask_to_stop()
    guard.join()
    assert seen[:3] == [before] * 3


async def test_a_job_begins_also_where_no_thread_can_be_had(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes unguarded, and that is told; with the next job it is tried again."""
    source = FakeSource()
    keeper = keeper_of(source)
    keeper.start()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", _no_thread)
        keeper.hold(JOB)
    assert "may lose its lock on queue 'q': RuntimeError(\"can't start new thread\")" in caplog.text
    keeper.hold(JOB)
    assert source.by_twin.wait(BUDGET_S), "no guard has come with the next job"
    await keeper.close()


def _no_thread(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
