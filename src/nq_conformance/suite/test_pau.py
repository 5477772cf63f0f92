"""PAU: pause and resume."""

from __future__ import annotations

from nq_conformance.lab import Lab
from nq_conformance.suite.rules import rule


@rule("PAU-01")
async def test_pause_holds_a_queue_that_has_neither_worker_nor_jobs(lab: Lab) -> None:
    """At once, again and again, and no other queue; resume ends it."""
    queue, other = await lab.queue(), await lab.queue()
    lab.equal(await queue.is_paused(), False, "is_paused of a queue never paused")
    await queue.pause()
    lab.equal(await queue.is_paused(), True, "is_paused after pause")
    await queue.pause()
    lab.equal(await queue.is_paused(), True, "is_paused after a second pause")
    lab.equal(await other.is_paused(), False, "is_paused of another queue")
    await queue.resume()
    lab.equal(await queue.is_paused(), False, "is_paused after resume")


@rule("PAU-02")
async def test_no_handler_starts_after_pause_has_returned(lab: Lab) -> None:
    """A busy worker is paused in the middle of 150 jobs; the count of starts stands still."""
    queue = await lab.queue()
    await queue.add_marked(*range(150))
    handler = await queue.handled(concurrency=3)
    await handler.started(5)
    await queue.pause()
    before = len(handler.runs)
    lab.check(before < 150, "pause returns while jobs are waiting", "all 150 jobs have run")
    await lab.canary()
    lab.equal(len(handler.runs), before, "starts while paused stay at")
    await queue.resume()
    await handler.finished(150)


@rule("PAU-02")
async def test_an_idle_worker_does_not_start_a_job_that_comes_after_pause(lab: Lab) -> None:
    """The worker is already waiting for a job when the queue is paused."""
    queue = await lab.queue()
    handler = await queue.handled()
    await queue.add_marked("before")
    await handler.finished(1)
    await queue.pause()
    ids = await queue.add_marked("after")
    await lab.canary()
    lab.equal(handler.marks, ["before"], "jobs started, the last of them enqueued after pause", jobs=ids)


@rule("PAU-04")
async def test_jobs_enqueued_while_paused_run_after_resume(lab: Lab) -> None:
    """Twelve jobs come while the queue is paused; resume alone sets them going."""
    queue = await lab.queue()
    handler = await queue.handled()
    await queue.pause()
    ids = await queue.add_marked(*range(12))
    lab.equal(len(set(ids)), 12, "distinct ids of twelve jobs enqueued while paused", jobs=ids)
    await lab.canary(1)
    await queue.resume()
    await handler.finished(12)
    lab.equal(sorted(handler.marks), list(range(12)), "jobs that have run after resume", jobs=ids)
    for id in ids:
        await queue.reaches(id, "completed")
