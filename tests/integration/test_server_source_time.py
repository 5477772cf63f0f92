"""Sources on a server keep time: delays, locks, stalls and series, by the server's clock."""

from __future__ import annotations

import pytest
from server_source_tools import MakeSource
from source_tools import QUEUE, claim, claimed_ids, exchange_until, job, state_of, until

from nq_conformance.contract import JobOptions
from nq_reference.job_source import JobSource, Outcome, Schedule

pytest_plugins = ["server_source_tools"]
pytestmark = pytest.mark.anyio
HOUR_MS = 3_600_000


@pytest.fixture
def anyio_backend() -> str:
    """The source runs on asyncio alone."""
    return "asyncio"


def series(id: str = "s", *, next_at: int, name: str = "report", limit: int | None = None) -> Schedule:
    """A series with a payload that jsonb or cjson would spoil."""
    return Schedule(id, name, "[]", JobOptions(attempts=3), "0 * * * *", None, limit, next_at)


async def test_due_jobs_come_in_order_of_their_due_times(source: JobSource) -> None:
    """A shorter delay goes first, and equal due times keep the order of adding."""
    delays = {"slow": 60, "b": 10, "a": 10, "c": 10}
    await source.add(QUEUE, [job(id, delay=delay) for id, delay in delays.items()])
    assert (await source.counts(QUEUE)).delayed == 4
    got: list[str] = []
    while len(got) < 4:
        answer = await exchange_until(source, claim(9), lambda each: each.claimed, "the delayed jobs")
        got += [each.id for each in answer.claimed]
    assert got == ["b", "a", "c", "slow"]


@pytest.mark.parametrize("delay", [HOUR_MS, 2**31, 10**15])
async def test_a_job_that_is_not_due_stays_delayed(source: JobSource, delay: int) -> None:
    """A long delay, also one beyond 32 bits, gives no job now and tells when to look."""
    await source.add(QUEUE, [job("a", delay=delay)])
    answer = await source.exchange(QUEUE, [], claim(9))
    assert answer.claimed == []
    assert answer.next_in_ms is not None
    assert HOUR_MS - 60_000 < answer.next_in_ms <= delay
    assert await state_of(source, "a") == "delayed"


async def test_a_held_queue_promotes_nothing(source: JobSource) -> None:
    """On a paused queue a due job stays delayed, and nobody is asked to look for it."""
    await source.pause(QUEUE)
    await source.add(QUEUE, [job("a", delay=1)])
    started = await source.now()

    async def later() -> bool:
        return await source.now() > started + 5

    await until(later, "five milliseconds of the server")
    answer = await source.exchange(QUEUE, [], claim(9))
    assert (answer.claimed, answer.next_in_ms) == ([], None)
    assert await state_of(source, "a") == "delayed"


async def test_a_retry_with_a_delay_is_delayed_and_comes_back(source: JobSource) -> None:
    """During its backoff a job is delayed; then it is claimed with one attempt behind it."""
    await source.add(QUEUE, [job("a")])
    await claimed_ids(source, 1)
    await source.exchange(QUEUE, [Outcome("a", "t", "retry", "broken", delay=HOUR_MS)], claim(9))
    assert await state_of(source, "a") == "delayed"
    await source.remove(QUEUE, "a")
    await source.add(QUEUE, [job("b")])
    await claimed_ids(source, 1)
    await source.exchange(QUEUE, [Outcome("b", "t", "retry", "broken", delay=1)], claim(0))
    answer = await exchange_until(source, claim(9), lambda each: each.claimed, "the retry")
    assert [(each.id, each.attempts_made) for each in answer.claimed] == [("b", 1)]


async def test_a_stalled_job_goes_ahead_and_its_old_holder_is_refused(
    source: JobSource,
) -> None:
    """When its lock has ended a job is claimed anew before the backlog; the late result is dropped."""
    await source.add(QUEUE, [job("a"), job("b")])
    await claimed_ids(source, 1, token="old", lock_ms=1)
    answer = await exchange_until(
        source,
        claim(1, token="new"),
        lambda each: [x.id for x in each.claimed] == ["a"],
        "the stalled job",
    )
    assert [(each.id, each.attempts_made) for each in answer.claimed] == [("a", 0)]
    late = await source.exchange(QUEUE, [Outcome("a", "old", "complete", "1")], claim(0))
    assert late.accepted == [False]
    assert await state_of(source, "a") == "active"


async def test_a_late_result_of_a_recovered_job_is_refused_before_it_is_claimed_again(
    source: JobSource,
) -> None:
    """Between recovery and the next claim nobody holds the job."""
    await source.add(QUEUE, [job("a")])
    await claimed_ids(source, 1, lock_ms=1)

    async def waits() -> bool:
        await source.exchange(QUEUE, [], claim(0))
        return await state_of(source, "a") == "waiting"

    await until(waits, "the recovery")
    late = await source.exchange(QUEUE, [Outcome("a", "t", "complete", "1")], claim(0))
    assert late.accepted == [False]


async def test_a_stalled_job_is_recovered_on_a_held_queue(source: JobSource) -> None:
    """Pause does not keep a dead worker's job active; it waits for the resume."""
    await source.add(QUEUE, [job("a")])
    await claimed_ids(source, 1, lock_ms=1)
    await source.pause(QUEUE)

    async def waits() -> bool:
        assert await claimed_ids(source, 1) == []
        return await state_of(source, "a") == "waiting"

    await until(waits, "the recovery")


async def test_a_job_that_stalls_too_often_fails(source: JobSource) -> None:
    """Beyond the limit the job is failed, told as dead, and its attempts are not touched."""
    await source.add(QUEUE, [job("a")])
    wish = claim(1, lock_ms=1, max_stalls=1)
    answer = await exchange_until(source, wish, lambda each: each.dead, "the end of the job")
    failed = await source.get(QUEUE, "a")
    assert [(each.id, each.data) for each in answer.dead] == [("a", job("a").data)]
    assert failed is not None
    assert (failed.state, failed.failed_reason) == ("failed", "job stalled more than 1 times")
    assert failed.attempts_made == 0


async def test_a_job_that_stalls_too_often_obeys_its_own_retention(source: JobSource) -> None:
    """With remove_on_fail the dead job leaves nothing."""
    await source.add(QUEUE, [job("a", remove_on_fail=True)])
    wish = claim(1, lock_ms=1, max_stalls=0)
    await exchange_until(source, wish, lambda each: each.dead, "the end of the job")
    assert await source.get(QUEUE, "a") is None


async def test_renewed_locks_hold_and_lost_ones_are_told(source: JobSource) -> None:
    """Only who holds a job renews its lock; a renewed one is looked for later."""
    await source.add(QUEUE, [job("a"), job("b")])
    await claimed_ids(source, 2, lock_ms=HOUR_MS)
    held = [("a", "t"), ("b", "other"), ("gone", "t")]
    assert await source.extend_locks(QUEUE, held, 2 * HOUR_MS) == ["b", "gone"]
    await claimed_ids(source, 0, Outcome("b", "t", "complete", "1"))
    answer = await source.exchange(QUEUE, [], claim(0))
    assert answer.next_in_ms is not None
    assert answer.next_in_ms > HOUR_MS


async def test_a_due_run_is_made_once_by_two_that_try(make_source: MakeSource) -> None:
    """Both see the series as due; one fires it, and it stands at the next run."""
    here, there = make_source(), make_source()
    now = await here.now()
    await here.put_schedule(QUEUE, series(next_at=now - 1))
    dues = [(await each.exchange(QUEUE, [], claim(0))).due for each in (here, there)]
    fired = [
        await each.fire(QUEUE, due[0], now + HOUR_MS, job(f"run of {n}"))
        for n, (each, due) in enumerate(zip((here, there), dues, strict=True))
    ]
    assert fired == [True, False]
    assert await claimed_ids(there, 9) == ["run of 0"]
    assert [(each.next_at, each.runs) for each in await there.schedules(QUEUE)] == [(now + HOUR_MS, 1)]


async def test_a_series_ends_with_its_last_run(source: JobSource) -> None:
    """Fired without a next run the series is gone and its job is there."""
    due = series(next_at=await source.now() - 1, limit=1)
    await source.put_schedule(QUEUE, due)
    assert await source.fire(QUEUE, due, None, job("last"))
    assert await source.schedules(QUEUE) == []
    assert await state_of(source, "last") == "waiting"


async def test_a_series_put_again_keeps_its_place(source: JobSource) -> None:
    """The next run and the number of runs stay; name and the rest are taken."""
    first = series(next_at=await source.now() + HOUR_MS, limit=5)
    await source.put_schedule(QUEUE, first)
    await source.put_schedule(QUEUE, series(next_at=1, name="renamed"))
    (kept,) = await source.schedules(QUEUE)
    assert (kept.next_at, kept.runs, kept.name, kept.limit, kept.data) == (
        first.next_at,
        0,
        "renamed",
        None,
        "[]",
    )


async def test_series_are_listed_by_their_next_run_and_end_once(source: JobSource) -> None:
    """The soonest comes first; removing tells whether there was one."""
    now = await source.now()
    await source.put_schedule(QUEUE, series("late", next_at=now + 2 * HOUR_MS))
    await source.put_schedule(QUEUE, series("soon", next_at=now + HOUR_MS))
    assert [each.id for each in await source.schedules(QUEUE)] == ["soon", "late"]
    assert [await source.remove_schedule(QUEUE, "soon") for _ in range(2)] == [True, False]


async def test_no_series_is_due_on_a_held_queue(source: JobSource) -> None:
    """A due run waits for the resume, and is told then."""
    await source.put_schedule(QUEUE, series(next_at=await source.now() - 1))
    await source.pause(QUEUE)
    held = await source.exchange(QUEUE, [], claim(1))
    assert (list(held.due), held.next_in_ms) == ([], None)
    await source.resume(QUEUE)
    assert [each.id for each in (await source.exchange(QUEUE, [], claim(1))).due] == ["s"]
