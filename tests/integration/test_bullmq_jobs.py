"""BullMQProvider keeps jobs as they were given, lists and counts them, and refuses what BullMQ can't keep."""

from __future__ import annotations

from typing import Any

import pytest
from bullmq_tools import QUEUE, MakeProvider, until
from redis.asyncio import Redis

from nq_conformance.contract import (
    Backoff,
    InvalidJobError,
    JobCounts,
    JobInput,
    JobOptions,
    JobsQuery,
    QueueError,
    ScheduleOptions,
)
from nq_conformance.services import start_redis
from nq_reference import BullMQProvider
from nq_reference.providers.bullmq.limits import MAX_OPTION, MAX_PRIORITY, RESERVED_IDS

pytest_plugins = ["bullmq_tools"]
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """BullMQ runs on asyncio alone."""
    return "asyncio"


@pytest.mark.parametrize(
    "data",
    [None, False, 0, -1.5, "", "\u2028🙂\0", [], {}, [[], {}, None], {"": {"b": 1, "a": []}}],
    ids=repr,
)
async def test_a_payload_comes_back_unchanged(bullmq: BullMQProvider, data: Any) -> None:
    """Any JSON value, with its type and the order of its keys."""
    id = await bullmq.enqueue(QUEUE, JobInput("greet", data))
    job = await bullmq.get_job(QUEUE, id)
    assert job is not None
    assert repr(job.data) == repr(data)


async def test_options_come_back_unchanged(bullmq: BullMQProvider) -> None:
    """All of them, also those that BullMQ does not have."""
    opts = JobOptions("mine", 4, Backoff("exponential", 70), MAX_OPTION, MAX_PRIORITY, 90, 5, True)
    await bullmq.enqueue(QUEUE, JobInput("greet", 1, opts))
    job = await bullmq.get_job(QUEUE, "mine")
    assert job is not None
    assert repr(job.opts) == repr(opts)


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**30])
async def test_an_integer_that_node_would_round_is_refused(bullmq: BullMQProvider, number: int) -> None:
    """The message says where it is, and nothing is stored."""
    with pytest.raises(InvalidJobError, match=r"data\['list'\]\[1\] is .*rounded"):
        await bullmq.enqueue(QUEUE, JobInput("greet", {"list": [0, number]}))
    assert await bullmq.get_job_counts(QUEUE) == JobCounts()


@pytest.mark.parametrize("id", [*sorted(RESERVED_IDS), "1", "007", "-5", "a:b", "a:lock"])
async def test_an_id_that_would_meet_a_key_of_bullmq_is_refused(bullmq: BullMQProvider, id: str) -> None:
    """Rather than that its job is lost or mixed up with another."""
    with pytest.raises(InvalidJobError, match=r"opts\.job_id"):
        await bullmq.enqueue(QUEUE, JobInput("greet", None, JobOptions(job_id=id)))


@pytest.mark.parametrize(
    "opts",
    [
        JobOptions(priority=MAX_PRIORITY + 1),
        JobOptions(delay=MAX_OPTION + 1),
        JobOptions(backoff=Backoff("fixed", MAX_OPTION + 1)),
    ],
    ids=["priority", "delay", "backoff"],
)
async def test_a_number_that_bullmq_would_change_is_refused(bullmq: BullMQProvider, opts: JobOptions) -> None:
    """Priorities and times beyond what its scripts can write."""
    with pytest.raises(InvalidJobError, match="on BullMQ"):
        await bullmq.enqueue(QUEUE, JobInput("greet", None, opts))


async def test_a_queue_name_with_a_colon_is_refused_by_every_call(bullmq: BullMQProvider) -> None:
    """It separates the parts of BullMQ's keys."""

    async def handler(data: Any, ctx: Any) -> None: ...

    calls = [
        bullmq.enqueue("a:b", JobInput("greet")),
        bullmq.get_job("a:b", "x"),
        bullmq.get_jobs("a:b"),
        bullmq.get_job_counts("a:b"),
        bullmq.pause("a:b"),
        bullmq.schedule("a:b", JobInput("greet"), ScheduleOptions(cron="* * * * *")),
        bullmq.worker_manager().register_worker("a:b", "greet", handler),
    ]
    for call in calls:
        with pytest.raises(InvalidJobError, match="queue_name must not contain ':'"):
            await call
    with pytest.raises(InvalidJobError, match="queue_name must not contain ':'"):
        bullmq.on("a:b", "waiting", print)


@pytest.mark.parametrize("id", ["nobody", "meta", "wait", "events", "id", "a:lock", "*", ""])
async def test_an_id_of_no_job_is_none(bullmq: BullMQProvider, id: str) -> None:
    """Also the names of keys that BullMQ keeps beside its jobs."""
    await bullmq.enqueue(QUEUE, JobInput("greet"))
    assert await bullmq.get_job(QUEUE, id) is None


async def test_pages_are_cut_from_all_states_together(bullmq: BullMQProvider) -> None:
    """Oldest first, also where jobs were added within a millisecond."""
    opts = [JobOptions(), JobOptions(priority=1), JobOptions(delay=600_000)]
    ids = await bullmq.enqueue_many(QUEUE, [JobInput("greet", n, opts[n % 3]) for n in range(30)])
    pages = [await bullmq.get_jobs(QUEUE, JobsQuery(None, 7, offset)) for offset in range(0, 35, 7)]
    assert [job.id for page in pages for job in page] == list(ids)


async def test_a_second_enqueue_of_an_id_changes_nothing(bullmq: BullMQProvider) -> None:
    """The id comes back, and the job keeps name, payload and options."""
    for name, priority in (("first", 1), ("second", 2)):
        opts = JobOptions(job_id="mine", priority=priority)
        assert await bullmq.enqueue(QUEUE, JobInput(name, name, opts)) == "mine"
    [job] = await bullmq.get_jobs(QUEUE)
    assert (job.name, job.data, job.opts.priority) == ("first", "first", 1)


async def test_a_job_is_removed_once(bullmq: BullMQProvider) -> None:
    """Then its id is free, and there is nothing more to remove."""
    id = await bullmq.enqueue(QUEUE, JobInput("greet", None, JobOptions(job_id="mine")))
    assert await bullmq.remove_job(QUEUE, id) is True
    assert await bullmq.remove_job(QUEUE, id) is False
    assert await bullmq.get_jobs(QUEUE) == []


async def test_the_next_run_of_a_series_is_removed_only_with_the_series(bullmq: BullMQProvider) -> None:
    """The error says what to call instead."""
    await bullmq.schedule(QUEUE, JobInput("tick"), ScheduleOptions(cron="0 0 1 1 *"))
    [run] = await bullmq.get_jobs(QUEUE)
    with pytest.raises(QueueError, match="remove_scheduled_job"):
        await bullmq.remove_job(QUEUE, run.id)


async def test_a_pause_is_told_once(bullmq: BullMQProvider) -> None:
    """A second pause changes nothing, and says nothing."""
    told: list[str] = []
    subscriptions = [
        bullmq.on(QUEUE, "paused", lambda _: told.append("paused")),
        bullmq.on(QUEUE, "waiting", lambda _: told.append("waiting")),
    ]
    await bullmq.pause(QUEUE)
    await bullmq.pause(QUEUE)
    await bullmq.enqueue(QUEUE, JobInput("greet"))
    for subscription in subscriptions:
        await subscription.ready()  # type: ignore[attr-defined]

    async def waiting() -> bool:
        return "waiting" in told

    await until(waiting, "the event of the job that was added last")
    assert told == ["paused", "waiting"]


async def test_a_stream_with_a_subscriber_keeps_enough_events(
    bullmq: BullMQProvider, bullmq_url: str, bullmq_prefix: str
) -> None:
    """BullMQ's own limit would lose events in a burst; a longer one is left as it is."""
    async with Redis.from_url(bullmq_url, decode_responses=True) as redis:
        await redis.hset(f"{bullmq_prefix}:longer:meta", "opts.maxLenEvents", "1000000")
        for queue, length in ((QUEUE, "100000"), ("longer", "1000000")):
            subscription = bullmq.on(queue, "waiting", print)
            await subscription.ready()  # type: ignore[attr-defined]
            assert await redis.hget(f"{bullmq_prefix}:{queue}:meta", "opts.maxLenEvents") == length


async def test_providers_of_different_prefixes_do_not_meet(make_bullmq: MakeProvider) -> None:
    """Each has the queue for itself."""
    one, other = make_bullmq(), make_bullmq(prefix="other-prefix")
    await one.enqueue(QUEUE, JobInput("greet"))
    assert await other.get_jobs(QUEUE) == []


async def test_an_imitation_of_redis_is_refused() -> None:
    """BullMQ would hang on it."""
    service = start_redis("fake")
    provider = BullMQProvider(service.info.url)
    try:
        with pytest.raises(QueueError, match=r"does not answer INFO.*fakeredis"):
            await provider.init()
    finally:
        await provider.close()
        service.stop()
