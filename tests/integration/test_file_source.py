"""FileSource brings back what it had, after an end and after a crash."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from durable_source_tools import SERIES, Heard, job, peer
from source_tools import QUEUE, claim, claimed_ids, exchange_until, state_of

from nq_conformance.contract import JobCounts
from nq_reference.job_source import Outcome
from nq_reference.sources.file import FileSource, journal
from nq_reference.sources.file.journal import Fsync

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def opened(place: Path, fsync: Fsync = "always") -> AsyncIterator[FileSource]:
    """A source on ``place``, closed at the end of the block."""
    source = FileSource(place, fsync=fsync)
    await source.open()
    try:
        yield source
    finally:
        await source.close()


async def test_an_acknowledged_job_survives_a_kill(tmp_path: Path) -> None:
    """What add has returned for is there after SIGKILL (DUR-01)."""
    async with peer("file", tmp_path) as other:
        await other.ask("add", "a", "b")
        await other.kill()
    async with opened(tmp_path) as source:
        assert await claimed_ids(source, 9) == ["a", "b"]


async def test_nothing_acknowledged_is_lost_when_a_busy_writer_is_killed(tmp_path: Path) -> None:
    """Killed amid adding, claiming and compacting, a journal has every job that was acknowledged."""
    async with peer("file", tmp_path) as other:
        acknowledged = [await other.ask("flood")]
        acknowledged += [await other.answer() for _ in range(200)]
        await other.kill()
    async with opened(tmp_path) as source:
        missing = [id for id in acknowledged if await state_of(source, id) is None]
    assert missing == []


async def test_a_job_active_at_a_crash_waits_again_in_its_old_place(tmp_path: Path) -> None:
    """It is claimed again before those that were behind it (DUR-02)."""
    async with peer("file", tmp_path) as other:
        await other.ask("add", "a", "b")
        assert await other.ask("claim", 1, "t", 30_000) == ["a"]
        await other.kill()
    async with opened(tmp_path) as source:
        assert await state_of(source, "a") == "waiting"
        assert await claimed_ids(source, 9) == ["a", "b"]


async def test_the_first_exchange_after_a_crash_tells_of_the_stalled_job(tmp_path: Path) -> None:
    """stalled is told once somebody can listen, and before the job is active again."""
    async with peer("file", tmp_path) as other:
        await other.ask("add", "a")
        await other.ask("claim", 1, "t", 30_000)
        await other.kill()
    async with opened(tmp_path) as source:
        heard = Heard()
        source.subscribe(QUEUE, heard)
        await claimed_ids(source, 1)
    assert heard.events == [("stalled", "a"), ("active", "a")]


async def test_a_job_active_at_too_many_crashes_fails(tmp_path: Path) -> None:
    """The second crash is one more than the claim allows: the job is dead, told of and recorded."""
    for number in range(2):
        async with peer("file", tmp_path) as other:
            if number == 0:
                await other.ask("add", "a")
            assert await other.ask("claim", 1, "t", 30_000) == ["a"]
            await other.kill()
    heard = Heard()
    async with opened(tmp_path) as source:
        source.subscribe(QUEUE, heard)
        reply = await source.exchange(QUEUE, [], claim(9))
        assert ([each.id for each in reply.dead], reply.claimed) == (["a"], [])
    async with opened(tmp_path) as source:
        found = await source.get(QUEUE, "a")
        assert found is not None
        assert (found.state, found.failed_reason, found.attempts_made) == (
            "failed",
            "job stalled more than 1 times",
            0,
        )
    assert heard.events == [("failed", "a")]


async def test_finished_jobs_stay_as_they_were(tmp_path: Path) -> None:
    """Result, reason, options, attempts and times come back, and nothing runs again (DUR-03)."""
    async with opened(tmp_path) as source:
        await source.add(QUEUE, [job("good", priority=3, attempts=2), job("bad", priority=4)])
        await claimed_ids(source, 2)
        ends = [Outcome("good", "t", "complete", '{"ok":[]}'), Outcome("bad", "t", "fail", "broken")]
        await source.exchange(QUEUE, ends, claim(0))
        before = [await source.get(QUEUE, id) for id in ("good", "bad")]
    async with opened(tmp_path) as source:
        assert [await source.get(QUEUE, id) for id in ("good", "bad")] == before
        assert await claimed_ids(source, 9) == []


async def test_an_overdue_job_runs_once_at_once_after_a_start(tmp_path: Path) -> None:
    """A due time that passed while nobody was there makes the job ready (SCH-06)."""
    async with opened(tmp_path) as source:
        await source.add(QUEUE, [job("soon", delay=1), job("late", delay=3_600_000)])
    async with opened(tmp_path) as source:
        reply = await exchange_until(source, claim(9), lambda reply: reply.claimed, "the overdue job")
        assert [each.id for each in reply.claimed] == ["soon"]
        assert await state_of(source, "late") == "delayed"


async def test_a_backoff_keeps_its_time_and_its_attempts(tmp_path: Path) -> None:
    """The due time is the one that was set before the end, not counted anew (RTY-07)."""
    async with opened(tmp_path) as source:
        await source.add(QUEUE, [job("a", attempts=3)])
        await claimed_ids(source, 1)
        await source.exchange(QUEUE, [Outcome("a", "t", "retry", "no", delay=3_600_000)], claim(0))
        due = source.queue(QUEUE).jobs["a"].due
    async with opened(tmp_path) as source:
        kept = source.queue(QUEUE).jobs["a"]
        assert (kept.state, kept.due, kept.attempts_made, kept.failed_reason) == ("delayed", due, 1, "no")


@pytest.mark.parametrize("fsync", ["always", "interval", "never"])
async def test_order_pause_and_series_come_back(tmp_path: Path, fsync: Fsync) -> None:
    """Places after retries, priorities, the pause and a series' progress survive (ORD-06, PAU-08)."""
    async with opened(tmp_path, fsync) as source:
        await source.add(QUEUE, [job("a"), job("b"), job("urgent"), job("later", priority=1), job("c")])
        await claimed_ids(source, 1)
        await source.exchange(QUEUE, [Outcome("a", "t", "retry", "no")], claim(0))
        await source.put_schedule(QUEUE, SERIES)
        assert await source.fire(QUEUE, SERIES, 2_000, job("run"))
        await source.pause(QUEUE)
    async with opened(tmp_path, fsync) as source:
        assert await source.is_paused(QUEUE)
        assert [(each.next_at, each.runs) for each in await source.schedules(QUEUE)] == [(2_000, 1)]
        await source.remove_schedule(QUEUE, "s")
        await source.resume(QUEUE)
        assert await claimed_ids(source, 9) == ["b", "urgent", "c", "a", "run", "later"]


async def test_compaction_keeps_what_counts_and_drops_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After hundreds of jobs that are gone the journal is small, and those that are left come back."""
    monkeypatch.setattr(journal, "MIN_COMPACTION_BYTES", 2_000)
    async with opened(tmp_path, "never") as source:
        await source.add(QUEUE, [job("kept", priority=2), job("delayed", delay=3_600_000)])
        await source.put_schedule(QUEUE, SERIES)
        for number in range(300):
            await source.add(QUEUE, [job(str(number))])
            await claimed_ids(source, 1)
            await source.exchange(QUEUE, [Outcome(str(number), "t", "complete", "1", keep=1)], claim(0))
        await source.pause(QUEUE)
    assert (tmp_path / "nq.journal").stat().st_size < 10_000
    async with opened(tmp_path) as source:
        assert await source.counts(QUEUE) == JobCounts(waiting=1, delayed=1, completed=1)
        assert await source.is_paused(QUEUE)
        assert [each.id for each in await source.schedules(QUEUE)] == ["s"]
        assert await state_of(source, "299") == "completed"


async def test_what_a_crash_left_of_a_compaction_does_no_harm(tmp_path: Path) -> None:
    """Half of a new journal beside the old one is thrown away."""
    async with opened(tmp_path) as source:
        await source.add(QUEUE, [job("a")])
    (tmp_path / "nq.journal.new").write_bytes(b"\x1e12345678 [half")
    async with opened(tmp_path) as source:
        assert await claimed_ids(source, 9) == ["a"]
    assert not (tmp_path / "nq.journal.new").exists()


async def test_prefixes_have_journals_of_their_own_inside_the_directory(tmp_path: Path) -> None:
    """Names that look like paths, or differ in case only, neither meet nor leave the directory."""
    place = tmp_path / "deep" / "place"
    prefixes = ["../../out", "a", "A", "x" * 255]
    for prefix in prefixes:
        source = FileSource(place, prefix=prefix)
        await source.open()
        await source.add("../../queue", [job(prefix[:50])])
        assert (await source.counts("../../queue")).waiting == 1
        await source.close()
    files = _files(tmp_path)
    assert {file.parent for file in files} == {place}
    assert len({file.name.lower() for file in files if file.suffix == ".journal"}) == len(prefixes)


def _files(place: Path) -> list[Path]:
    return [file for file in place.rglob("*") if file.is_file()]
