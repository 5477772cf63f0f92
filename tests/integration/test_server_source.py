"""Sources on a server keep jobs, their order and their states: Postgres, Redis, and fakeredis."""

from __future__ import annotations

import anyio
import pytest
from server_source_tools import MakeSource
from source_tools import QUEUE, claim, claimed_ids, ended_ids, job, left_of_a_long_history, spread, state_of

from nq_conformance.contract import ClosedError, JobCounts, JobState
from nq_reference.job_source import JobSource, Outcome

pytest_plugins = ["server_source_tools"]
pytestmark = pytest.mark.anyio
ALL: tuple[JobState, ...] = ("active", "completed", "delayed", "failed", "paused", "waiting")


@pytest.fixture
def anyio_backend() -> str:
    """The source runs on asyncio alone."""
    return "asyncio"


async def test_a_job_comes_back_as_it_was_given(source: JobSource) -> None:
    """Name, data, options and state of a stored job are those it was added with."""
    given = job("a", priority=3, attempts=2, remove_on_fail=7)
    await source.add(QUEUE, [given])
    found = await source.get(QUEUE, "a")
    assert found is not None
    assert (found.name, found.data, found.opts, found.state) == (
        given.name,
        given.data,
        given.opts,
        "waiting",
    )


async def test_an_unknown_id_is_none(source: JobSource) -> None:
    """A job that was never added is not found."""
    assert await source.get(QUEUE, "nobody") is None


async def test_a_second_add_of_an_id_changes_nothing(source: JobSource) -> None:
    """The id comes back, and the job keeps its first options."""
    await source.add(QUEUE, [job("a", priority=1)])
    assert await source.add(QUEUE, [job("a", priority=9), job("b")]) == ["a", "b"]
    kept = await source.get(QUEUE, "a")
    assert kept is not None
    assert kept.opts.priority == 1
    assert (await source.counts(QUEUE)).waiting == 2


async def test_the_lower_priority_number_goes_first_and_equal_ones_in_order(
    source: JobSource,
) -> None:
    """0 runs before all others, and jobs of one priority first in, first out."""
    await source.add(QUEUE, [job(str(n), priority=n % 3) for n in range(12)])
    order = [str(n) for wanted in range(3) for n in range(12) if n % 3 == wanted]
    assert await claimed_ids(source, 99) == order


async def test_a_retry_goes_behind_those_that_wait(source: JobSource) -> None:
    """A retry without delay is behind the backlog of its own priority, before worse ones."""
    await source.add(QUEUE, [job("a"), job("b"), job("later", priority=1)])
    await claimed_ids(source, 1)
    assert await claimed_ids(source, 9, Outcome("a", "t", "retry", "broken")) == ["b", "a", "later"]


async def test_a_released_job_goes_to_the_head(source: JobSource) -> None:
    """A job given back stands where it stood, with no attempt counted."""
    await source.add(QUEUE, [job("a"), job("b"), job("c")])
    await claimed_ids(source, 2)
    answer = await source.exchange(
        QUEUE, [Outcome("b", "t", "release"), Outcome("a", "t", "release")], claim(9)
    )
    assert [(each.id, each.attempts_made) for each in answer.claimed] == [("a", 0), ("b", 0), ("c", 0)]


async def test_a_completed_job_carries_its_result(source: JobSource) -> None:
    """The result is kept as text, with the attempt counted and the times in order."""
    await source.add(QUEUE, [job("a")])
    await claimed_ids(source, 1)
    answer = await source.exchange(QUEUE, [Outcome("a", "t", "complete", "[]")], claim(0))
    done = await source.get(QUEUE, "a")
    assert answer.accepted == [True]
    assert done is not None
    assert (done.state, done.return_value, done.attempts_made) == ("completed", "[]", 1)
    assert done.processed_on is not None
    assert done.finished_on is not None
    assert done.timestamp <= done.processed_on <= done.finished_on


async def test_a_failed_job_carries_the_reason_of_its_last_attempt(source: JobSource) -> None:
    """After a retry and a failure there are two attempts and the second reason."""
    await source.add(QUEUE, [job("a")])
    await claimed_ids(source, 1)
    await claimed_ids(source, 1, Outcome("a", "t", "retry", "first"), token="u")
    await claimed_ids(source, 0, Outcome("a", "u", "fail", "second"))
    failed = await source.get(QUEUE, "a")
    assert failed is not None
    assert (failed.state, failed.failed_reason, failed.attempts_made) == ("failed", "second", 2)


async def test_an_outcome_under_another_token_is_refused(source: JobSource) -> None:
    """Who does not hold the job can't end it."""
    await source.add(QUEUE, [job("a")])
    await claimed_ids(source, 1)
    answer = await source.exchange(QUEUE, [Outcome("a", "other", "complete", "1")], claim(0))
    assert answer.accepted == [False]
    assert await state_of(source, "a") == "active"


async def test_an_outcome_sent_twice_is_accepted_twice_and_counts_once(
    source: JobSource,
) -> None:
    """An acknowledgement whose answer was lost can be sent again."""
    await source.add(QUEUE, [job("a")])
    await claimed_ids(source, 1)
    outcome = Outcome("a", "t", "complete", "1")
    answer = await source.exchange(QUEUE, [outcome, outcome], claim(0))
    done = await source.get(QUEUE, "a")
    assert answer.accepted == [True, True]
    assert done is not None
    assert done.attempts_made == 1


@pytest.mark.parametrize("keep", [0, 1, 3])
async def test_retention_keeps_exactly_the_newest(source: JobSource, keep: int) -> None:
    """Of jobs that end in one call the last ``keep`` stay, in the order they ended."""
    ids = [str(n) for n in range(6)]
    await source.add(QUEUE, [job(each) for each in ids])
    await claimed_ids(source, 6)
    await claimed_ids(source, 0, *(Outcome(each, "t", "complete", "1", keep=keep) for each in ids))
    assert [each.id for each in await source.list(QUEUE, ["completed"], 0, None)] == ids[len(ids) - keep :]
    assert (await source.counts(QUEUE)).completed == keep


async def test_more_than_a_thousand_that_end_in_one_call_leave_the_newest(source: JobSource) -> None:
    """However many jobs end at once, none is left over where none was before (RTY-12)."""
    ids = await ended_ids(source, 1_200, keep=2)
    assert [each.id for each in await source.list(QUEUE, ["completed"], 0, None)] == ids[-2:]


async def test_a_long_history_is_dropped_by_and_by_oldest_first(source: JobSource) -> None:
    """A job that ends takes a thousand along at most, and the next ones the rest (RTY-12)."""
    old, left = await left_of_a_long_history(source)
    assert left == [[*old[1_000:], "new 0 0"], [*old[2_000:], "new 0 0", "new 1 0"], ["new 1 0", "new 2 0"]]


async def test_removing_a_job_at_its_end_leaves_the_others(source: JobSource) -> None:
    """A job that keeps none removes itself alone, and its id is free again."""
    await source.add(QUEUE, [job("a"), job("b")])
    await claimed_ids(source, 2)
    await claimed_ids(source, 0, Outcome("a", "t", "fail", "x"), Outcome("b", "t", "fail", "x", keep=0))
    assert [await state_of(source, each) for each in "ab"] == ["failed", None]
    await source.add(QUEUE, [job("b")])
    assert await state_of(source, "b") == "waiting"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (ALL, "0123456789"),
        (("waiting", "delayed"), "3456789"),
        (("completed", "active", "failed"), "012"),
        ((), ""),
    ],
)
async def test_a_list_merges_states_in_order_of_creation(
    source: JobSource, states: tuple[JobState, ...], expected: str
) -> None:
    """Whatever their states, jobs are listed oldest first."""
    await spread(source)
    listed = await source.list(QUEUE, states, 0, None)
    assert "".join(each.id for each in listed) == expected


@pytest.mark.parametrize("states", [ALL, ("waiting", "delayed", "completed", "failed")])
async def test_pages_of_a_list_follow_each_other(source: JobSource, states: tuple[JobState, ...]) -> None:
    """Pages of three are disjoint and complete, and past the end there is nothing."""
    await spread(source)
    whole = [each.id for each in await source.list(QUEUE, states, 0, None)]
    pages = [await source.list(QUEUE, states, offset, 3) for offset in range(0, 12, 3)]
    assert [each.id for page in pages for each in page] == whole
    assert await source.list(QUEUE, states, 2**70, 2**70) == []
    assert await source.list(QUEUE, states, 0, 0) == []


async def test_counts_tell_each_state(source: JobSource) -> None:
    """Every job is counted once, in the state it is in."""
    await spread(source)
    expected = JobCounts(active=1, completed=1, failed=1, delayed=4, waiting=3)
    assert await source.counts(QUEUE) == expected


async def test_a_held_queue_gives_no_job_until_resumed(make_source: MakeSource) -> None:
    """The pause of one source holds the claims of another, and the order stays."""
    here, there = make_source(), make_source()
    await here.add(QUEUE, [job("a"), job("b")])
    await here.pause(QUEUE)
    await here.add(QUEUE, [job("c")])
    assert await there.is_paused(QUEUE)
    assert await claimed_ids(there, 9) == []
    assert (await there.counts(QUEUE)).waiting == 3
    await here.resume(QUEUE)
    assert not await there.is_paused(QUEUE)
    assert await claimed_ids(there, 9) == ["a", "b", "c"]


async def test_any_job_but_an_active_one_can_be_removed(source: JobSource) -> None:
    """Waiting, delayed and ended jobs go; the active one and an unknown one do not."""
    await spread(source)
    removed = [await source.remove(QUEUE, id) for id in ("0", "1", "2", "3", "4", "nobody")]
    assert removed == [True, True, False, True, True, False]
    assert [each.id for each in await source.list(QUEUE, ALL, 0, None)] == [
        "2",
        "5",
        "6",
        "7",
        "8",
        "9",
    ]
    assert await source.counts(QUEUE) == JobCounts(active=1, delayed=3, waiting=2)


@pytest.mark.parametrize(
    "name",
    ["meta", "job:1", "a:b", "{a}", "}{", "%3A", "über\u2028\U0001f600", "a\r\nb\x01", "0001", " ", "*?["],
)
async def test_any_name_works_for_a_queue_and_a_job(source: JobSource, name: str) -> None:
    """Names that look like keys, globs or separators are names and nothing else."""
    await source.add(name, [job(name)])
    answer = await source.exchange(name, [], claim(1, token=name))
    assert [each.id for each in answer.claimed] == [name]
    await source.exchange(name, [Outcome(name, name, "complete", "1")], claim(0))
    found = await source.get(name, name)
    assert found is not None
    assert (found.id, found.name, found.state) == (name, f"name of {name}", "completed")


async def test_opening_twice_at_once_and_closing_twice_is_fine(make_source: MakeSource) -> None:
    """Both are idempotent; a call on a closed source says that it is closed."""
    source = make_source()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(source.open)
        tasks.start_soon(source.open)
    await source.add(QUEUE, [job("a")])
    await source.close()
    await source.close()
    with pytest.raises(ClosedError, match="closed"):
        await source.get(QUEUE, "a")
