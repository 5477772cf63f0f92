"""ORD: the order in which jobs start."""

from __future__ import annotations

from nq_conformance.lab import Lab
from nq_conformance.suite.rules import rule


@rule("ORD-01")
async def test_jobs_of_equal_priority_start_in_the_order_of_their_enqueue(lab: Lab) -> None:
    """Twenty-five jobs wait, and twelve come while they are worked off, one at a time."""
    queue = await lab.queue()
    ids = await queue.add_marked(*range(25))
    handler = await queue.handled(concurrency=1)
    ids += await queue.add_marked(*range(25, 37))
    await handler.finished(37)
    lab.equal(handler.marks, list(range(37)), "the order in which 37 jobs start", jobs=ids[:3])


@rule("ORD-02")
async def test_delayed_jobs_start_in_the_order_of_their_due_times(lab: Lab) -> None:
    """The longest delay is enqueued first, and holds nobody back."""
    queue = await lab.queue()
    handler = await queue.handled(concurrency=1)
    ids = [await queue.add({"n": ms}, delay=ms) for ms in (60_000, 900, 300, 600)]
    await handler.finished(3)
    lab.equal(
        handler.marks, [300, 600, 900], "the order in which delayed jobs start, by their delay", jobs=ids
    )


@rule("ORD-04")
async def test_a_retry_without_backoff_goes_behind_the_waiting_backlog(lab: Lab) -> None:
    """The first of four jobs fails once; its second attempt is the last to start."""
    queue = await lab.queue()
    handler = lab.failing(times=1)
    ids = await queue.add_marked("a", "b", "c", "d", attempts=2)
    await queue.work(handler, concurrency=1)
    await handler.finished(5)
    lab.equal(handler.marks, ["a", "b", "c", "d", "a"], "the order of attempts", jobs=ids)
