"""EVT: what a queue tells of its jobs."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from nq_conformance.clock import DRAIN
from nq_conformance.contract import Job, QueueEvent
from nq_conformance.lab import Lab
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.listening import follow, tasks_beside
from nq_conformance.suite.rules import rule

MINUTE_MS = 60_000
"""Points in time of different clocks are about the same within this."""


@rule("EVT-01")
async def test_enqueue_tells_waiting_once(lab: Lab) -> None:
    """Three jobs, three events, in order, with the ids."""
    queue = await lab.queue()
    waiting = await queue.listen("waiting")
    ids = await queue.add_marked(1, 2, 3)
    await waiting.heard(3)
    last = await queue.add("canary")
    await waiting.heard(4)
    lab.equal(waiting.job_ids, [*ids, last], "job ids of `waiting` events", jobs=ids)


@rule("EVT-01")
async def test_a_delayed_job_tells_delayed_and_not_yet_waiting(lab: Lab) -> None:
    """The event carries the due time; a job enqueued afterwards is the first to tell waiting."""
    queue = await lab.queue()
    waiting, delayed = await queue.listen("waiting"), await queue.listen("delayed")
    id = await queue.add(delay=60_000)
    last = await queue.add("canary")
    await waiting.heard(1)
    await delayed.heard(1)
    lab.equal(
        waiting.job_ids, [last], "job ids of `waiting` events, of a delayed job and a last one", jobs=[id]
    )
    lab.equal(delayed.job_ids, [id], "job ids of `delayed` events", jobs=[id])
    due = field_of(delayed.payloads[0], "delay")
    near = isinstance(due, int | float) and abs(due - time.time() * 1000 - MINUTE_MS) < MINUTE_MS / 2
    lab.check(
        near, "`delay` of the event is the job's due time in epoch ms, in a minute from now", due, jobs=[id]
    )


@rule("EVT-01")
async def test_a_delayed_job_tells_waiting_when_it_is_due(lab: Lab) -> None:
    """With a worker on the queue, the delayed job's waiting comes once, before it runs."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue()
    waiting = await queue.listen("waiting")
    handler = await queue.handled()
    id = await queue.add(delay=100)
    await handler.finished(1)
    await waiting.heard(1)
    last = await queue.add("canary")
    await waiting.heard(2)
    lab.equal(waiting.job_ids, [id, last], "job ids of `waiting` events", jobs=[id])
    before = field_of(waiting.payloads[0], "prev")
    lab.equal(before, "delayed", "`prev` of the `waiting` event of a job that was delayed", jobs=[id])


@rule("EVT-01")
async def test_a_delay_of_one_millisecond_is_a_delay(lab: Lab) -> None:
    """It is told as delayed, like any other; a delay of 0 is none."""
    queue = await lab.queue()
    delayed = await queue.listen("delayed")
    ids = [await queue.add(delay=delay) for delay in (0, 1, 60_000)]
    await delayed.heard(2)
    lab.equal(delayed.job_ids, ids[1:], "job ids of `delayed` events, for delays of 0, 1 and 60000", jobs=ids)


@rule("EVT-02")
async def test_each_job_tells_waiting_then_active_then_its_outcome(lab: Lab) -> None:
    """Quick jobs that succeed and that fail, several at once, and two that are delayed first."""
    queue = await lab.queue()
    story = await follow(lab, queue, ("failed", "completed", "active", "waiting"))
    await queue.work(lab.handler(), name="good", concurrency=4)
    await queue.work(lab.failing(), name="bad", concurrency=4)
    good, bad = [], []
    for delay in (*[0] * 12, 30):
        good.append(await queue.add(name="good", delay=delay))
        bad.append(await queue.add(name="bad", delay=delay))
    await story.tells("completed", *good)
    await story.tells("failed", *bad)
    last = await queue.add(name="good")
    await story.tells("completed", last)
    for ids, outcome in ((good, "completed"), (bad, "failed")):
        for id in ids:
            what = f"the events of a job that {outcome}"
            lab.equal(story.of(id), ["waiting", "active", outcome], what, jobs=[id])


@rule("EVT-02")
async def test_each_attempt_tells_active_once(lab: Lab) -> None:
    """Attempts that follow a failure, with and without backoff; the last of them fails or succeeds."""
    queue = await lab.queue()
    story = await follow(lab, queue, ("completed", "failed", "active"))
    await queue.work(lab.failing(), name="in vain")
    await queue.work(lab.failing(times=1), name="at last")
    failed = [await queue.add(name="in vain", attempts=3)]
    failed += [await queue.add(name="in vain", attempts=3, backoff=("fixed", 20))]
    done = await queue.add(name="at last", attempts=3)
    await story.tells("failed", *failed)
    await story.tells("completed", done)
    last = await queue.add(name="at last")
    await story.tells("completed", last)
    for id in failed:
        what = "`active` and outcomes of a job that fails three times"
        lab.equal(story.of(id), ["active", "active", "active", "failed"], what, jobs=[id])
    what = "`active` and outcomes of a job that succeeds in its second attempt"
    lab.equal(story.of(done), ["active", "active", "completed"], what, jobs=[done])


@rule("EVT-03")
async def test_completed_is_told_once_with_the_result(lab: Lab) -> None:
    """Results of several kinds arrive decoded, each once."""
    queue = await lab.queue()
    completed = await queue.listen("completed")
    await queue.handled(concurrency=1)
    results: list[Any] = [{"deep": [1, None]}, "text", 0, False, None, []]
    ids = [await queue.add(result) for result in results]
    await completed.heard(len(ids))
    last = await queue.add("canary")
    await completed.heard(len(ids) + 1)
    told = [(field_of(p, "job_id"), field_of(p, "return_value", "missing")) for p in completed.payloads]
    lab.equal(
        told, list(zip([*ids, last], [*results, "canary"], strict=True)), "(job_id, return_value)", jobs=ids
    )


@rule("EVT-03")
async def test_failed_is_told_once_and_only_at_the_end(lab: Lab) -> None:
    """A job with three attempts fails three times; one event, with the reason."""
    queue = await lab.queue()
    failed = await queue.listen("failed")
    handler = lab.failing("no luck")
    await queue.work(handler, concurrency=1)
    id = await queue.add(attempts=3)
    await handler.finished(3)
    last = await queue.add("canary")
    await failed.heard(2)
    lab.equal(failed.job_ids, [id, last], "job ids of `failed` events", jobs=[id])
    reason = field_of(failed.payloads[0], "failed_reason")
    lab.equal(reason, "no luck", "failed_reason of the event", jobs=[id])


@rule("EVT-04")
async def test_a_retry_with_backoff_tells_delayed_and_its_due_time(lab: Lab) -> None:
    """Two rests between three attempts; failed is told at the end alone."""
    queue = await lab.queue()
    story = await follow(lab, queue, ("failed", "completed", "delayed"))
    handler = lab.failing()
    await queue.work(handler)
    id = await queue.add(attempts=3, backoff=("fixed", 30))
    await story.tells("failed", id)
    what = "the events of a job that fails three times, without `waiting` and `active`"
    lab.equal(story.of(id), ["delayed", "delayed", "failed"], what, jobs=[id])
    for run, payload in zip(handler.runs, story.payloads(id, "delayed"), strict=False):
        due, wanted = field_of(payload, "delay"), (run.ended_ms or 0) + 30
        lab.check(
            isinstance(due, int) and abs(due - wanted) < MINUTE_MS,
            "`delay` of a `delayed` event is the job's due time in epoch ms",
            f"{due!r}; the backoff of 30 ms is over at about {wanted:.0f}",
            jobs=[id],
        )


@rule("EVT-04")
async def test_a_backoff_of_one_millisecond_is_a_backoff(lab: Lab) -> None:
    """It is told as delayed, and one of 0 as waiting."""
    queue = await lab.queue()
    story = await follow(lab, queue, ("failed", "delayed"))
    await queue.work(lab.failing())
    ids = [await queue.add(attempts=2, backoff=("fixed", delay)) for delay in (0, 1)]
    await story.tells("failed", *ids)
    lab.equal(story.of(ids[0]), ["failed"], "`delayed` and `failed` with a backoff of 0 ms", jobs=ids)
    lab.equal(story.of(ids[1]), ["delayed", "failed"], "`delayed` and `failed` with 1 ms", jobs=ids)


@rule("EVT-04")
async def test_a_retry_without_backoff_tells_waiting(lab: Lab) -> None:
    """Beside the waiting of its enqueue, one for each further attempt, and no failure before the end."""
    queue = await lab.queue()
    events: tuple[QueueEvent, ...] = ("failed", "completed", "delayed", "waiting")
    story = await follow(lab, queue, events)
    await queue.work(lab.failing(), name="in vain")
    await queue.work(lab.failing(times=1), name="at last")
    failed, done = await queue.add(name="in vain", attempts=3), await queue.add(name="at last", attempts=3)
    await story.tells("failed", failed)
    await story.tells("completed", done)
    await story.tells("failed", await queue.add(name="in vain"))
    what = "the events but `active` of a job that fails three times"
    lab.equal(story.of(failed), ["waiting", "waiting", "waiting", "failed"], what, jobs=[failed])
    what = "the events but `active` of a job that succeeds in its second attempt"
    lab.equal(story.of(done), ["waiting", "waiting", "completed"], what, jobs=[done])


@rule("EVT-05")
async def test_pause_tells_paused_each_time_that_it_takes_hold(lab: Lab) -> None:
    """No worker, no jobs; resume tells none, and the next pause tells the next."""
    queue, other = await lab.queue(), await lab.queue()
    paused, elsewhere = await queue.listen("paused"), await other.listen("paused")
    await queue.pause()
    await paused.heard(1)
    await queue.pause()  # it is held already: nothing takes hold
    await queue.resume()
    await queue.add(1)
    await queue.pause()
    await paused.heard(2)
    await other.pause()
    await elsewhere.heard(1)
    lab.equal(len(paused.payloads), 2, "`paused` events of a queue that was paused twice")
    lab.equal(paused.job_ids, [None, None], "job ids of `paused` events, which concern no job")


@rule("EVT-06")
async def test_get_job_in_a_callback_shows_the_state_that_it_is_told(lab: Lab) -> None:
    """Thirty jobs; for each, a task started in the callback asks for the job and its result."""
    queue = await lab.queue()
    seen: list[tuple[str, str, Job | None]] = []

    async def look(event: str, payload: Any) -> None:
        id = field_of(payload, "job_id")
        seen.append((event, id, await queue.get(id)))

    async with tasks_beside(lab) as start_soon:
        await queue.listen("completed", then=partial(start_soon, look, "completed"))
        await queue.listen("failed", then=partial(start_soon, look, "failed"))
        await queue.work(lab.handler(), name="good", concurrency=4)
        await queue.work(lab.failing("no luck"), name="bad", concurrency=4)
        for number in range(15):
            await queue.add(number, name="good")
            await queue.add(number, name="bad")
        await lab.sees(
            lambda: len(seen) >= 30,
            budget=DRAIN,
            expected="30 jobs asked for, each in the callback for its end",
            seen=lambda: f"{len(seen)}",
        )
    for event, id, job in seen:
        lab.check(job is not None, f"get_job finds the job in the callback for `{event}`", "None", jobs=[id])
        assert job is not None
        lab.equal(job.state, event, f"state that get_job shows in the callback for `{event}`", jobs=[id])
        ending = (job.return_value, job.failed_reason)
        wanted = (job.data, None) if event == "completed" else (None, "no luck")
        what = f"return_value and failed_reason in the callback for `{event}`"
        lab.equal(ending, wanted, what, jobs=[id])
