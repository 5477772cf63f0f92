"""EVT: what a queue tells its subscribers."""

from __future__ import annotations

from typing import Any

from nq_conformance.lab import Lab
from nq_conformance.suite.rules import rule


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
    told = [(p.get("job_id"), p.get("return_value", "missing")) for p in completed.payloads]
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
    lab.equal(failed.payloads[0].get("failed_reason"), "no luck", "failed_reason of the event", jobs=[id])


@rule("EVT-07")
async def test_unsubscribe_ends_its_own_subscription_alone(lab: Lab) -> None:
    """The same callable subscribed twice: after one unsubscribe, called twice, it is called once."""
    queue = await lab.queue()
    heard: list[Any] = []
    provider = await lab.provider()
    first = provider.on(queue.name, "waiting", heard.append)
    provider.on(queue.name, "waiting", heard.append)
    witness = await queue.listen("waiting")
    await queue.add(1)
    await witness.heard(1)
    lab.equal(len(heard), 2, "calls of a callback that is subscribed twice")
    first()
    first()
    await queue.add(2)
    await witness.heard(2)
    lab.equal(len(heard), 3, "calls after one of the two subscriptions was ended")


@rule("EVT-07")
async def test_unsubscribe_inside_a_callback_skips_nobody(lab: Lab) -> None:
    """The first of three listeners ends itself while it is called; the others hear the event."""
    queue = await lab.queue()
    first = await queue.listen("waiting", then=lambda _: first.unsubscribe())
    second, third = await queue.listen("waiting"), await queue.listen("waiting")
    ids = [await queue.add(1)]
    await third.heard(1)
    ids += [await queue.add(2)]
    await third.heard(2)
    lab.equal(second.job_ids, ids, "what the listener after it hears", jobs=ids)
    lab.equal(first.job_ids, ids[:1], "what the listener hears that ended itself", jobs=ids)
