"""Who may have a FileSource's journal: one process, and in it the sources of one event loop."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from durable_source_tools import Heard, job, peer
from source_tools import QUEUE, claimed_ids

from nq_conformance.contract import JOB_STATES, ClosedError, QueueError
from nq_reference import FileProvider
from nq_reference.sources.file import FileSource
from nq_reference.sources.file.errors import JournalHeldError

pytestmark = pytest.mark.anyio


async def test_a_second_process_is_refused_and_told_who_holds_the_journal(tmp_path: Path) -> None:
    """The error names the process; when that has died the next one may have it (DUR-05)."""
    async with peer("file", tmp_path) as other:
        with pytest.raises(JournalHeldError, match=f"process {other.pid} on host"):
            await FileSource(tmp_path).open()
        await other.kill()
    source = FileSource(tmp_path)
    await source.open()
    await source.close()


async def test_another_event_loop_of_the_process_is_refused(tmp_path: Path) -> None:
    """A loop in another thread can't share memory without locks, so it may not."""
    source = FileSource(tmp_path)
    await source.open()

    def elsewhere() -> str:
        with pytest.raises(JournalHeldError) as refused:
            anyio.run(FileSource(tmp_path).open)
        return str(refused.value)

    assert f"process {os.getpid()} (this process)" in await anyio.to_thread.run_sync(elsewhere)
    await source.close()


async def test_sources_of_one_event_loop_share_jobs_and_events(tmp_path: Path) -> None:
    """What one adds the other hears of and claims (LIFE-01, LIFE-09)."""
    one, two = FileSource(tmp_path), FileSource(tmp_path)
    await one.open()
    await two.open()
    heard = Heard()
    two.subscribe(QUEUE, heard)
    await one.add(QUEUE, [job("a")])
    assert heard.events == [("waiting", "a")]
    assert await claimed_ids(two, 1) == ["a"]
    await one.close()
    assert await claimed_ids(two, 1) == []
    await two.close()


async def test_a_watch_that_arms_late_is_woken_at_once(tmp_path: Path) -> None:
    """A job that came while the worker waited for the disk is not left until the next poll."""
    source = FileSource(tmp_path)
    await source.open()
    calls: list[str] = []
    watch = source.watch(QUEUE, lambda: calls.append("woken"))
    await source.add(QUEUE, [job("a")])
    watch.arm()
    assert calls == ["woken"]
    assert await claimed_ids(source, 9) == ["a"]
    watch.arm()
    assert calls == ["woken"]
    await source.close()


async def test_the_last_to_close_lets_the_next_process_in(tmp_path: Path) -> None:
    """As long as one source is open, another process is refused."""
    one, two = FileSource(tmp_path), FileSource(tmp_path)
    await one.open()
    await two.open()
    await one.close()
    with pytest.raises(anyio.IncompleteRead):  # it ends with the error, without a word
        async with peer("file", tmp_path):
            pass
    await two.close()
    async with peer("file", tmp_path) as other:
        assert await other.ask("add", "a") == "added"


async def test_a_closed_source_says_so(tmp_path: Path) -> None:
    """Every call after close raises a closed error, and closing twice is closing once."""
    source = FileSource(tmp_path)
    await source.open()
    await source.close()
    await source.close()
    with pytest.raises(ClosedError):
        await source.add(QUEUE, [job("a")])
    with pytest.raises(ClosedError):
        await source.open()


async def test_a_source_that_is_not_open_says_so(tmp_path: Path) -> None:
    """Nothing is kept in memory only."""
    with pytest.raises(QueueError, match="await open"):
        await FileSource(tmp_path).add(QUEUE, [job("a")])


async def test_an_add_on_its_way_when_the_source_closes_gets_its_answer(tmp_path: Path) -> None:
    """Either it is stored and returns, or it raises and is not there."""
    source = FileSource(tmp_path)
    await source.open()
    stored: list[str] = []

    async def add(id: str) -> None:
        with suppress(ClosedError):
            stored.extend(await source.add(QUEUE, [job(id)]))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(add, str(number))
        group.start_soon(source.close)
    source = FileSource(tmp_path)
    await source.open()
    kept = [each.id for each in await source.list(QUEUE, JOB_STATES, 0, None)]
    await source.close()
    assert sorted(kept) == sorted(stored)


def test_an_unknown_fsync_is_refused(tmp_path: Path) -> None:
    """A typing error must not make the queue less safe."""
    with pytest.raises(ValueError, match="always, interval or never"):
        FileProvider(tmp_path, fsync="allways")  # type: ignore[arg-type]
