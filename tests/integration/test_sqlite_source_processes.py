"""SqliteSource in several processes, some of which are killed, or have no room on the disk."""

from __future__ import annotations

import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from durable_source_tools import Heard, job, peer, until
from source_tools import QUEUE, claim, claimed_ids, exchange_until, state_of

from nq_conformance.contract import JobCounts
from nq_reference.sources.sqlite import SqliteSource

pytestmark = pytest.mark.anyio


async def test_an_acknowledged_job_survives_a_kill(tmp_path: Path) -> None:
    """What add has returned for is there after SIGKILL, amid adding and working (DUR-01)."""
    path = tmp_path / "q"
    async with peer("sqlite", path) as other:
        acknowledged = [await other.ask("flood")]
        acknowledged += [await other.answer() for _ in range(100)]
        await other.kill()
    source = SqliteSource(path)
    await source.open()
    assert [id for id in acknowledged if await state_of(source, id) is None] == []
    await source.close()


async def test_a_job_of_a_killed_process_is_run_by_another(tmp_path: Path) -> None:
    """Its lock ends, stalled is told, and it is claimed again in its old place (STL-01, DUR-02)."""
    path = tmp_path / "q"
    source = SqliteSource(path)
    await source.open()
    heard = Heard()
    await source.subscribe(QUEUE, heard).ready()
    async with peer("sqlite", path) as other:
        await other.ask("add", "a", "b")
        assert await other.ask("claim", 1, "theirs", 50) == ["a"]
        await other.kill()
    wish = claim(9)
    reply = await exchange_until(source, claim(0), lambda reply: reply.next_in_ms in (None, 0), "the stall")
    reply = await source.exchange(QUEUE, [], wish)
    assert [each.id for each in reply.claimed] == ["a", "b"]
    assert ("stalled", "a") in await heard.first(6)
    await source.close()


async def test_an_owner_that_lost_its_lock_to_another_process_is_refused(tmp_path: Path) -> None:
    """What it says of the job in the end counts for nothing (STL-06)."""
    path = tmp_path / "q"
    source = SqliteSource(path)
    await source.open()
    async with peer("sqlite", path) as other:
        await other.ask("add", "a")
        await other.ask("claim", 1, "theirs", 1)
        await exchange_until(source, claim(1, "mine"), lambda reply: reply.claimed, "the stalled job")
        assert await other.ask("complete", "a", "theirs") == [False]
    assert await state_of(source, "a") == "active"
    await source.close()


async def test_each_job_is_claimed_by_one_process(tmp_path: Path) -> None:
    """Four processes that drain a queue at the same time do each job once (DST-01)."""
    path = tmp_path / "q"
    source = SqliteSource(path, synchronous="off")
    await source.open()
    ids = [str(number) for number in range(200)]
    await source.add(QUEUE, [job(id) for id in ids])
    done: list[str] = []
    async with AsyncExitStack() as stack, anyio.create_task_group() as group:

        async def drain(other: Any, token: str) -> None:
            done.extend(await other.ask("work", token))

        for number in range(4):
            other = await stack.enter_async_context(peer("sqlite", path))
            group.start_soon(drain, other, f"worker{number}")
        await until(lambda: _all_done(source, len(ids)), "the end of the queue")
    assert sorted(done) == sorted(ids)
    await source.close()


async def _all_done(source: SqliteSource, many: int) -> bool:
    return (await source.counts(QUEUE)) == JobCounts(completed=many)


async def test_processes_that_start_at_the_same_time_make_the_tables_once(tmp_path: Path) -> None:
    """All of them can work at once on a file that was not there."""
    path = tmp_path / "new" / "q"
    added: list[str] = []

    async def start(number: int) -> None:
        async with peer("sqlite", path) as other:
            added.append(await other.ask("add", f"job{number}"))

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(start, number)
    assert added == ["added"] * 5
    source = SqliteSource(path)
    await source.open()
    assert (await source.counts(QUEUE)).waiting == 5
    await source.close()


async def test_events_and_pause_reach_other_processes(tmp_path: Path) -> None:
    """A listener there hears what happens here, in order, and a pause there holds the queue here."""
    path = tmp_path / "q"
    source = SqliteSource(path)
    await source.open()
    async with peer("sqlite", path) as other:
        await other.ask("listen")
        await source.add(QUEUE, [job("a")])
        await claimed_ids(source, 1)

        async def heard() -> Any:
            events = await other.ask("events")
            return events if len(events) == 2 else None

        assert await until(heard, "both events") == [["waiting", "a"], ["active", "a"]]
        await other.ask("pause")
        await source.add(QUEUE, [job("b")])
        assert await claimed_ids(source, 1) == []
    await source.close()


async def test_a_worker_is_woken_by_another_process(tmp_path: Path) -> None:
    """A job added there wakes a watch that is armed here, without an exchange (DST-02)."""
    path = tmp_path / "q"
    source = SqliteSource(path)
    await source.open()
    await source.exchange(QUEUE, [], claim(1))
    calls: list[str] = []
    watch = source.watch(QUEUE, lambda: calls.append("woken"))
    watch.arm()
    async with peer("sqlite", path) as other:
        await other.ask("add", "a")

        async def woken() -> bool:
            return bool(calls)

        await until(woken, "the wake-up")
    await source.close()


async def test_a_full_disk_refuses_a_job_and_keeps_none(tmp_path: Path) -> None:
    """add raises and leaves neither job nor event, and works again when there is room (DUR-06)."""
    path = tmp_path / "q"
    async with peer("sqlite", path) as other:
        await other.ask("add", "before")
        await other.ask("listen")
        await other.ask("limit", path.with_name("q-wal").stat().st_size)
        assert "OperationalError" in (await other.ask("add", "refused"))["error"]
        assert await other.ask("states") == {"before": "waiting"}
        assert await other.ask("events") == []
        await other.ask("limit", -1)
        assert await other.ask("add", "after") == "added"
        assert await other.ask("states") == {"before": "waiting", "after": "waiting"}


async def test_a_call_raises_when_another_program_keeps_the_file_to_itself(tmp_path: Path) -> None:
    """After its timeout, with nothing stored; later calls work again (FLT-01)."""
    path = tmp_path / "q"
    source = SqliteSource(path, timeout_ms=100)
    await source.open()
    await source.add(QUEUE, [job("before")])
    hog = sqlite3.connect(path, isolation_level=None)
    hog.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await source.add(QUEUE, [job("refused")])
    assert await state_of(source, "before") == "waiting"
    hog.execute("ROLLBACK")
    hog.close()
    await source.add(QUEUE, [job("after")])
    assert await claimed_ids(source, 9) == ["before", "after"]
    await source.close()
