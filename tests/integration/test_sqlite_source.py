"""SqliteSource keeps jobs, their order and their states in a file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from durable_source_tools import SERIES, Heard, job, until
from source_tools import (
    QUEUE,
    claim,
    claimed_ids,
    ended_ids,
    exchange_until,
    left_of_a_long_history,
    state_of,
)

from nq_conformance.contract import ClosedError, JobCounts, QueueError
from nq_reference import SqliteProvider
from nq_reference.job_source import NewJob, Outcome
from nq_reference.sources.sqlite import SqliteSource
from nq_reference.sources.sqlite.database import DatabaseError

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def opened(place: Path, **options: Any) -> AsyncIterator[SqliteSource]:
    """A source on ``place``, closed at the end of the block."""
    source = SqliteSource(place / "q", **options)
    await source.open()
    try:
        yield source
    finally:
        await source.close()


async def test_order_pause_and_series_come_back(tmp_path: Path) -> None:
    """Places after retries, priorities, the pause and a series' progress survive (ORD-06, PAU-08)."""
    async with opened(tmp_path) as source:
        await source.add(QUEUE, [job("a"), job("b"), job("later", priority=1), job("c")])
        await claimed_ids(source, 1)
        await source.exchange(QUEUE, [Outcome("a", "t", "retry", "no")], claim(0))
        await source.put_schedule(QUEUE, SERIES)
        assert await source.fire(QUEUE, SERIES, 2_000, job("run"))
        assert not await source.fire(QUEUE, SERIES, 3_000, job("again"))
        await source.pause(QUEUE)
    async with opened(tmp_path) as source:
        assert await source.is_paused(QUEUE)
        assert [(each.next_at, each.runs) for each in await source.schedules(QUEUE)] == [(2_000, 1)]
        assert await source.remove_schedule(QUEUE, "s")
        await source.resume(QUEUE)
        assert await claimed_ids(source, 9) == ["b", "c", "a", "run", "later"]


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


async def test_a_released_job_goes_to_the_head(tmp_path: Path) -> None:
    """A job given back stands where it stood, with no attempt counted."""
    async with opened(tmp_path) as source:
        await source.add(QUEUE, [job("a"), job("b"), job("c")])
        await claimed_ids(source, 2)
        back = [Outcome("b", "t", "release"), Outcome("a", "t", "release")]
        reply = await source.exchange(QUEUE, back, claim(9))
        assert [(each.id, each.attempts_made) for each in reply.claimed] == [("a", 0), ("b", 0), ("c", 0)]


async def test_an_outcome_under_another_token_is_refused(tmp_path: Path) -> None:
    """Who has lost the lock can't say how the job ended (STL-06)."""
    async with opened(tmp_path) as source:
        await source.add(QUEUE, [job("a")])
        await claimed_ids(source, 1, token="mine")
        late = Outcome("a", "other", "complete", "1")
        mine = Outcome("a", "mine", "complete", "2")
        assert (await source.exchange(QUEUE, [late, mine, mine], claim(0))).accepted == [False, True, False]
        assert (await source.extend_locks(QUEUE, [("a", "mine")], 1_000)) == ["a"]


async def test_the_oldest_beyond_the_limit_go(tmp_path: Path) -> None:
    """keep=2 leaves the two that ended last; keep=0 removes that job alone (RTY-11, RTY-12)."""
    async with opened(tmp_path) as source:
        await source.add(QUEUE, [job(id) for id in "abcd"])
        await claimed_ids(source, 4)
        ends = [Outcome(id, "t", "complete", "1", keep=2) for id in "bac"]
        await source.exchange(QUEUE, [*ends, Outcome("d", "t", "complete", "1", keep=0)], claim(0))
        assert [await state_of(source, id) for id in "abcd"] == ["completed", None, "completed", None]


async def test_a_long_history_is_dropped_by_and_by_oldest_first(tmp_path: Path) -> None:
    """A transaction takes a thousand along at most, and the next ones the rest (RTY-12)."""
    async with opened(tmp_path, synchronous="off") as source:
        old, left = await left_of_a_long_history(source)
    assert left == [[*old[1_000:], "new 0 0"], [*old[2_000:], "new 0 0", "new 1 0"], ["new 1 0", "new 2 0"]]


async def test_jobs_that_end_in_one_call_share_what_it_drops_of_a_long_history(tmp_path: Path) -> None:
    """However many they are, the file is not held for long (RTY-12)."""
    async with opened(tmp_path, synchronous="off") as source:
        await ended_ids(source, 2_500, keep=None)
        await ended_ids(source, 5, keep=2, name="new")
        assert (await source.counts(QUEUE)).completed == 2_505 - 1_000 - 4


async def test_more_than_a_thousand_that_end_in_one_call_leave_the_newest(tmp_path: Path) -> None:
    """However many jobs end at once, none is left over where none was before (RTY-12)."""
    async with opened(tmp_path, synchronous="off") as source:
        ids = await ended_ids(source, 1_200, keep=2)
        assert [each.id for each in await source.list(QUEUE, ["completed"], 0, None)] == ids[-2:]


async def test_a_lock_that_ends_gives_the_job_back_and_later_fails_it(tmp_path: Path) -> None:
    """Stalled once it waits again without an attempt counted; once too often it is dead (STL-03, STL-04)."""
    async with opened(tmp_path) as source:
        heard = Heard()
        await source.subscribe(QUEUE, heard).ready()
        await source.add(QUEUE, [job("a")])
        assert await claimed_ids(source, 1, lock_ms=1) == ["a"]
        again = await exchange_until(
            source, claim(1, lock_ms=1), lambda reply: reply.claimed, "the stalled job"
        )
        assert again.claimed[0].attempts_made == 0
        last = await exchange_until(source, claim(1), lambda reply: reply.dead, "the dead job")
        assert [each.id for each in last.dead] == ["a"]
        told = ["waiting", "active", "stalled", "active", "failed"]
        assert [event for event, _ in await heard.first(5)] == told


async def test_one_call_that_fails_takes_nobody_along(tmp_path: Path) -> None:
    """Text that UTF-8 can't hold raises to its caller; those that share its transaction are stored."""
    async with opened(tmp_path) as source:
        failed: list[str] = []

        async def add(new: NewJob) -> None:
            try:
                await source.add(QUEUE, [new])
            except UnicodeEncodeError:
                failed.append(new.id)

        async with anyio.create_task_group() as group:
            for new in (job("a"), NewJob("bad", "n", "\ud800", job("x").opts), job("b")):
                group.start_soon(add, new)
        assert failed == ["bad"]
        assert await source.counts(QUEUE) == JobCounts(waiting=2)


async def test_a_call_that_is_cancelled_leaves_the_lane_in_order(tmp_path: Path) -> None:
    """The next call does not enter the connection while the cancelled one's thread is in it."""
    async with opened(tmp_path) as source:
        for number in range(20):
            with anyio.move_on_after(0):
                await source.add(QUEUE, [job(f"cancelled{number}")])
            await source.add(QUEUE, [job(str(number))])
        assert (await source.counts(QUEUE)).waiting >= 20


async def test_a_listener_hears_what_came_after_it_and_nothing_before(tmp_path: Path) -> None:
    """Without waiting for ready: what this process does later is heard, what it did before is not."""
    async with opened(tmp_path) as source:
        await source.add(QUEUE, [job("before")])
        heard = Heard()
        source.subscribe(QUEUE, heard)
        await source.add(QUEUE, [job("after")])
        assert heard.events == [("waiting", "after")]


async def test_a_listener_does_not_hear_what_another_is_still_behind_with(tmp_path: Path) -> None:
    """What happened elsewhere before it came is for those who were there, and only for them."""
    async with opened(tmp_path) as one, opened(tmp_path) as two:
        first, second = Heard(), Heard()
        await two.subscribe(QUEUE, first).ready()
        await one.add(QUEUE, [job("before")])
        two.subscribe(QUEUE, second)
        await two.pause(QUEUE)
        assert first.events == [("waiting", "before"), ("paused", None)]
        assert second.events == [("paused", None)]


async def test_a_listener_of_a_queue_that_is_new_hears_its_first_event(tmp_path: Path) -> None:
    """The queue gets its number in the very transaction that tells."""
    async with opened(tmp_path) as source:
        heard, other = Heard(), Heard()
        source.subscribe(QUEUE, heard)
        source.subscribe("another", other)
        await source.add(QUEUE, [job("a")])
        await source.pause(QUEUE)
        assert heard.events == [("waiting", "a"), ("paused", None)]
        assert other.events == []


async def test_old_events_are_forgotten(tmp_path: Path) -> None:
    """The event log does not grow for ever, and listening goes on."""
    async with opened(tmp_path, event_log_length=10, synchronous="off") as source:
        for batch in range(3):
            await source.add(QUEUE, [job(f"{batch} {number}") for number in range(1_000)])
        heard = Heard()
        source.subscribe(QUEUE, heard)
        await source.pause(QUEUE)
        assert heard.events == [("paused", None)]
    with sqlite3.connect(tmp_path / "q") as connection:
        assert connection.execute("SELECT count(*) FROM event").fetchone()[0] < 1_100
    connection.close()


async def test_an_armed_watch_is_woken_by_its_own_process(tmp_path: Path) -> None:
    """Once, for a job that comes; and at once where the job came before it was armed."""
    async with opened(tmp_path) as source:
        calls: list[str] = []
        watch = source.watch(QUEUE, lambda: calls.append("woken"))
        watch.arm()
        await source.add(QUEUE, [job("a")])
        assert calls == ["woken"]
        await source.add(QUEUE, [job("b")])
        watch.arm()
        assert calls == ["woken"] * 2
        assert await claimed_ids(source, 9) == ["a", "b"]
        watch.arm()
        assert calls == ["woken"] * 2
        await watch.close()


async def test_prefixes_do_not_meet(tmp_path: Path) -> None:
    """Two namespaces in one file see nothing of each other (LIFE-09)."""
    async with opened(tmp_path, prefix="a") as one, opened(tmp_path, prefix="ab") as two:
        await one.add("bq", [job("x")])
        await one.pause("bq")
        assert await two.counts("q") == await two.counts("bq") == JobCounts()
        assert not await two.is_paused("bq")


async def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    """It stays as it is, and the error says what to do."""
    with sqlite3.connect(tmp_path / "q") as connection:
        connection.execute("CREATE TABLE precious (value)")
    connection.close()
    before = (tmp_path / "q").read_bytes()
    with pytest.raises(DatabaseError, match="something else"):
        await SqliteSource(tmp_path / "q").open()
    assert (tmp_path / "q").read_bytes() == before


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "q").write_text("no database, but a long enough text to look like one" * 40)
    with pytest.raises(DatabaseError, match="can't open"):
        await SqliteSource(tmp_path / "q").open()


async def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """Tables that are not known are not written to."""
    async with opened(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "q") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(DatabaseError, match="later version"):
        await SqliteSource(tmp_path / "q").open()


async def test_a_closed_source_says_so(tmp_path: Path) -> None:
    """Every call after close raises a closed error, and closing twice is closing once."""
    source = SqliteSource(tmp_path / "q")
    with pytest.raises(QueueError, match="not open"):
        await source.add(QUEUE, [job("a")])
    await source.open()
    await source.close()
    await source.close()
    for call in (source.open, lambda: source.add(QUEUE, [job("a")]), lambda: source.get(QUEUE, "a")):
        with pytest.raises(ClosedError):
            await call()


async def test_a_folder_as_path_has_the_file_in_it(tmp_path: Path) -> None:
    """The provider takes either; a file's folder is made where it is missing."""
    for path, file in ((tmp_path, tmp_path / "queue.sqlite3"), (tmp_path / "x" / "y.db",) * 2):
        provider = SqliteProvider(path)
        await provider.init()
        await provider.close()
        assert file.is_file()


async def test_another_source_of_this_process_is_heard_and_woken(tmp_path: Path) -> None:
    """Two sources on one file see each other's jobs, events and wake-ups."""
    async with opened(tmp_path) as one, opened(tmp_path) as two:
        heard = Heard()
        await two.subscribe(QUEUE, heard).ready()
        calls: list[str] = []
        watch = two.watch(QUEUE, lambda: calls.append("woken"))
        watch.arm()
        await one.add(QUEUE, [job("a")])

        async def woken() -> bool:
            return bool(calls)

        await until(woken, "the wake-up")
        assert await claimed_ids(two, 1) == ["a"]
        assert await heard.first(2) == [("waiting", "a"), ("active", "a")]
        await watch.close()
