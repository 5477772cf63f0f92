"""SEC: names and ids that could reach where they should not."""

from __future__ import annotations

from collections.abc import Awaitable

from nq_conformance.lab import Lab, Queue
from nq_conformance.suite.rules import rule
from nq_conformance.violation import Violation

INTERNAL = (
    *("meta", "id", "wait", "waiting", "active", "paused", "delayed", "prioritized", "completed", "failed"),
    *(
        "events",
        "jobs",
        "job",
        "lock",
        "x:lock",
        "stalled",
        "marker",
        "wake",
        "schedules",
        "repeat",
        "limiter",
    ),
    *("0", "1", "2", "-1", "null", "undefined", "None", "*", "a:b:c", "{x}"),
)
FORMS = (("Case", "case"), ("caf\u00e9", "cafe\u0301"), ("a b", "a  b"), ("a", "a "))


@rule("SEC-02")
async def test_ids_that_look_like_internal_keys_work_or_are_refused(lab: Lab) -> None:
    """Each is either refused by enqueue or found, with its own data, among all the others."""
    queue = await lab.queue()
    plain = await queue.add("plain")
    accepted = {plain: "plain"}
    for id in INTERNAL:
        if await _accepted(queue.add(f"data of {id}", job_id=id)):
            accepted[id] = f"data of {id}"
    for id, data in accepted.items():
        lab.equal((await queue.job(id)).data, data, f"data of the job with the id {id!r}", jobs=[id])
    lab.equal(sorted(await queue.ids()), sorted(accepted), "all jobs of the queue")


@rule("SEC-02")
async def test_jobs_whose_ids_look_like_internal_keys_run(lab: Lab) -> None:
    """Those that were accepted run once each, and the queue goes on."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue()
    marks = ["plain", *[id for id in INTERNAL if await _accepted(queue.add({"n": id}, job_id=id))]]
    await queue.add({"n": "plain"})
    handler = await queue.handled()
    await handler.finished(len(marks))
    await lab.canary(1)
    lab.equal(sorted(handler.marks), sorted(marks), "jobs that have run, by their ids")


@rule("SEC-04")
async def test_names_that_differ_in_case_or_form_are_different_names(lab: Lab) -> None:
    """As queue names and as job ids."""
    for left, right in FORMS:
        queues = [await lab.queue(left), await lab.queue(right)]
        ids = [await queue.add(queue.name) for queue in queues]
        for queue, id in zip(queues, ids, strict=True):
            lab.equal(await queue.ids(), [id], f"jobs of the queue {queue.name!r}", jobs=ids)
    queue = await lab.queue()
    for pair in FORMS:
        for id in pair:
            await queue.add(id, job_id=id)
        for id in pair:
            lab.equal((await queue.job(id)).data, id, f"data of the job with the id {id!r}", jobs=list(pair))


@rule("SEC-04")
async def test_names_of_255_bytes_work_and_longer_ones_are_refused(lab: Lab) -> None:
    """For queues, jobs and job ids, counted in UTF-8; empty ones and NUL are refused as well."""
    longest, too_long = "é" * 127 + "e", "é" * 128
    queue = await lab.queue(longest)
    id = await queue.add("value", name=longest, job_id=longest)
    job = await queue.job(id)
    lab.equal((job.id, job.name, job.data), (longest, longest, "value"), "id, name and data", jobs=[id])
    other = await lab.queue()
    for what, bad in (("256 bytes", too_long), ("no text", ""), ("a NUL", "a\0b")):
        bad_queue = Queue(bad, lab, await lab.provider())
        await lab.raises(bad_queue.add(), f"enqueue on a queue named with {what}")
        await lab.raises(other.add(name=bad), f"enqueue of a job named with {what}")
        await lab.raises(other.add(job_id=bad), f"enqueue with a job_id of {what}")
    lab.equal(await other.ids(), [], "jobs left by enqueues that were refused")


async def _accepted(enqueue: Awaitable[str]) -> bool:
    try:
        await enqueue
    except Violation:
        raise
    except Exception:
        return False
    return True
