"""LIFE: opening providers, and what those of different places share: nothing."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from nq_conformance.adapters import Capability, Setting
from nq_conformance.contract import ScheduleOptions
from nq_conformance.lab import Lab, Queue
from nq_conformance.suite.accepting import shares_data
from nq_conformance.suite.places import two_places
from nq_conformance.suite.rules import rule
from nq_conformance.violation import Inconclusive, Violation


@rule("LIFE-01")
async def test_init_may_be_called_again_and_at_the_same_time(lab: Lab) -> None:
    """Five concurrent calls, a job, one more call: the job is still there."""
    provider = await lab.new_provider(init=False)
    async with lab.meanwhile(provider.init), lab.meanwhile(provider.init), lab.meanwhile(provider.init):
        await provider.init()
    queue = await lab.queue(provider=provider)
    id = await queue.add({"kept": True})
    await provider.init()
    lab.equal((await queue.job(id)).data, {"kept": True}, "after one more init, the job's data is", jobs=[id])


@rule("LIFE-01")
async def test_init_of_a_second_provider_leaves_what_the_first_has_stored(lab: Lab) -> None:
    """Where data is shared, a second start on the same place finds the job; else only the first."""
    queue = await lab.queue()
    id = await queue.add({"kept": True})
    second = await lab.new_provider()
    await second.init()
    await queue.job(id)
    if shares_data(lab):
        there = await second.get_job(queue.name, id)
        lab.check(there is not None, "the second provider finds the job", "None", jobs=[id])


@rule("LIFE-02")
async def test_what_is_accepted_before_init_is_there(lab: Lab) -> None:
    """enqueue, schedule and pause, each on a provider that was not initialised, take effect or raise."""
    known = await lab.queue()
    await known.job(await known.add("known"))
    for what in ("enqueue", "schedule"):
        queue = await lab.queue(provider=await lab.new_provider(init=False))
        when = ScheduleOptions(delay=60_000)
        call = queue.add("early") if what == "enqueue" else queue.schedule("early", when)
        answered, _ = await _answer(call)
        if answered:
            seen = [job.data for job in await queue.list()]
            lab.equal(seen, ["early"], f"data of all jobs, after {what}() returned before init()")
            await queue.provider.init()
            seen = [job.data for job in await queue.list()]
            lab.equal(seen, ["early"], f"data of all jobs, after {what}() returned, and init() since")
    queue = await lab.queue(provider=await lab.new_provider(init=False))
    answered, _ = await _answer(queue.pause())
    if answered:
        await queue.provider.init()
        lab.equal(await queue.is_paused(), True, "is_paused after pause() returned before init()")


@rule("LIFE-02")
async def test_a_provider_that_answers_before_init_has_initialised(lab: Lab) -> None:
    """Where a query on a provider that was not initialised gives an answer, a job can be enqueued next."""
    known = await lab.queue()
    await known.job(await known.add("known"))
    for what in ("get_jobs", "get_job", "get_job_counts", "is_paused", "resume"):
        queue = await lab.queue(provider=await lab.new_provider(init=False))
        answered, answer = await _answer(_question(queue, what, "unknown"))
        if not answered:
            continue
        if what in ("get_jobs", "get_job_counts", "is_paused"):
            lab.check(answer is not None, f"{what}() before init() answers or raises", "it returned None")
        added, id = await _answer(queue.add("early"))
        lab.check(
            added,
            f"{what}() raises before init(), or initialises, so that a job can be enqueued next",
            f"{what}() returned {answer!r} before init(), and then enqueue raised {id!r}",
        )
        await _check_there(lab, queue, id, f"enqueue() returned after {what}() before init()")


@rule("LIFE-02")
async def test_a_query_before_init_tells_what_is_stored(lab: Lab) -> None:
    """Where data is shared: providers that were not initialised find job and pause of another, or raise."""
    known = await lab.queue()
    id = await known.add("known")
    await known.job(id)
    await known.pause()
    if not shares_data(lab):
        return
    for what in ("get_job", "get_jobs", "get_job_counts", "is_paused"):
        queue = await lab.queue(known.name, await lab.new_provider(init=False))
        answered, answer = await _answer(_question(queue, what, id))
        if answered:
            told: Any = {
                "get_job": lambda job: getattr(job, "id", None) == id,
                "get_jobs": lambda jobs: [job.id for job in jobs] == [id],
                "get_job_counts": lambda counts: counts.waiting + counts.paused == 1,
                "is_paused": bool,
            }[what]
            expected = f"{what}() before init() raises, or tells of the one job on the paused queue"
            lab.check(told(answer), expected, repr(answer), jobs=[id])


@rule("LIFE-09")
async def test_places_of_different_names_share_nothing(lab: Lab) -> None:
    """Two providers whose namespaces begin alike, one queue name, one job id: jobs, pause, events apart."""
    async with two_places(lab) as places:
        here, there = [await _queue_at(lab, place) for place in places]
        waiting = await there.listen("waiting")
        id = await here.add("here", job_id="order-17")
        automatic = await here.add("here too")
        lab.equal((await here.job(id)).data, "here", "data of the job where it was enqueued", jobs=[id])
        for other in (id, automatic):
            seen = await there.get(other)
            lab.check(seen is None, "the other place does not have the job", f"it has {seen!r}", jobs=[other])
        lab.equal(await there.ids(), [], "jobs in the other place")
        await here.pause()
        lab.equal((await here.is_paused(), await there.is_paused()), (True, False), "paused here, and there")
        await there.add("there", job_id="order-17")
        await waiting.heard(1)
        lab.equal(waiting.job_ids, ["order-17"], "`waiting` events there, of jobs here and of one there")
        lab.equal((await here.job(id)).data, "here", "data of the job here", jobs=[id])
        lab.equal((await there.job(id)).data, "there", "data of the job there", jobs=[id])
        counts = [await here.counts(), await there.counts()]
        lab.equal([c.waiting + c.paused for c in counts], [2, 1], "jobs that wait here, and there")


@rule("LIFE-09")
async def test_workers_run_the_jobs_of_their_own_place(lab: Lab) -> None:
    """Provider and worker of one namespace meet, by another provider too; other jobs are not touched."""
    if not lab.adapter.has_workers:
        return
    async with two_places(lab) as places:
        queues = [await _queue_at(lab, place) for place in places]
        handlers = [lab.handler(name=f"handler of place {number}") for number in (1, 2)]
        for queue, place, handler in zip(queues, places, handlers, strict=True):
            await queue.work(handler, manager=await lab.new_manager(queue.provider, setting=place))
        for _ in range(2):
            for number, queue in enumerate(queues, start=1):
                await queue.add({"n": number})
        for handler in handlers:
            await handler.finished(2)
        if lab.claims(Capability.DISTRIBUTED):
            for number, place in enumerate(places, start=1):
                await (await _queue_at(lab, place)).add({"n": number})
                await handlers[number - 1].finished(3)
        seen = [set(handler.marks) for handler in handlers]
        lab.equal(seen, [{1}, {2}], "places of the jobs that the workers of place 1 and of place 2 ran")


async def _queue_at(lab: Lab, place: Setting) -> Queue:
    return await lab.queue("shared-name", await lab.new_provider(setting=place))


async def _answer(call: Awaitable[Any]) -> tuple[bool, Any]:
    """Whether the call returned, and what; else what it raised."""
    try:
        return True, await call
    except (Violation, Inconclusive):
        raise
    except Exception as error:
        return False, error


def _question(queue: Queue, what: str, id: str) -> Awaitable[Any]:
    if what == "get_job":
        return queue.get(id)
    if what == "get_jobs":
        return queue.list()
    if what == "get_job_counts":
        return queue.counts()
    return queue.is_paused() if what == "is_paused" else queue.resume()


async def _check_there(lab: Lab, queue: Queue, id: Any, since: str) -> None:
    """The job with the data 'early' is found by id, listed and counted."""
    lab.check(isinstance(id, str) and id != "", f"an id, for {since}", repr(id))
    job = await queue.get(id)
    lab.check(job is not None, f"get_job finds the job, for {since}", "None", jobs=[id])
    lab.equal(job and job.data, "early", f"its data, for {since}", jobs=[id])
    lab.equal(await queue.ids(), [id], f"jobs that get_jobs lists, for {since}", jobs=[id])
    counts = await queue.counts()
    counted = counts.waiting + counts.delayed + counts.paused > 0
    lab.check(counted, f"get_job_counts counts the job, for {since}", repr(counts), jobs=[id])
