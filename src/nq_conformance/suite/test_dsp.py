"""DSP: which handler a job goes to."""

from __future__ import annotations

from nq_conformance.adapters import Capability
from nq_conformance.lab import Lab
from nq_conformance.suite.rules import rule

NAMES = (
    "a",
    "A",
    "ab",
    "a b",
    "a__b",
    "__init__",
    "constructor",
    "toString",
    "*",
    "naïve",
    "nai\u0308ve",
    "作業",
)


@rule("DSP-01")
async def test_a_job_goes_to_the_handler_of_exactly_its_name(lab: Lab) -> None:
    """Names that differ by case, prefix, blanks or unicode form, and names of methods."""
    queue = await lab.queue()
    handlers = {name: lab.handler(name=f"handler of {name!r}") for name in NAMES}
    for name, handler in handlers.items():
        await queue.work(handler, name=name)
    for name in NAMES:
        await queue.add({"n": name}, name=name)
    for name, handler in handlers.items():
        await handler.finished(1)
        lab.equal(handler.marks, [name], f"names of the jobs that the handler of {name!r} was given")


@rule("DSP-02")
async def test_a_handler_is_called_with_data_and_context(lab: Lab) -> None:
    """Two arguments: the payload as it was enqueued, and a context."""
    queue = await lab.queue()
    handler = await queue.handled()
    for number, data in enumerate(({"a": 1}, [1, 2], "text", None), start=1):
        id = await queue.add(data)
        run = (await handler.finished(number))[-1]
        lab.equal(len(run.args), 2, "arguments of the handler", jobs=[id])
        lab.equal(run.data, data, "the first argument", jobs=[id])
        lab.check(run.ctx is not None, "the second argument is a context", "None", jobs=[id])


@rule("DSP-03")
async def test_a_job_without_a_handler_fails_and_says_why(lab: Lab) -> None:
    """The reason names job, queue and available handlers; one failed event."""
    queue = await lab.queue()
    failed = await queue.listen("failed")
    for name in ("known-one", "known-two"):
        await queue.handled(name=name)
    id = await queue.add(name="nobody")
    job = await queue.reaches(id, "failed")
    for part in ("nobody", queue.name, "known-one", "known-two"):
        lab.check(
            part in (job.failed_reason or ""),
            f"failed_reason names {part!r}",
            repr(job.failed_reason),
            jobs=[id],
        )
    await failed.heard(1)
    last = await queue.add(name="nobody too")
    await failed.heard(2)
    lab.equal(failed.job_ids, [id, last], "job ids of `failed` events", jobs=[id, last])


@rule("DSP-06")
async def test_jobs_that_wait_before_the_registration_are_run(lab: Lab) -> None:
    """Five jobs are there before any worker is."""
    queue = await lab.queue()
    ids = await queue.add_marked(*range(5))
    handler = await queue.handled()
    await handler.finished(5)
    lab.equal(sorted(handler.marks), list(range(5)), "jobs that have run", jobs=ids)


@rule("DSP-07")
async def test_autorun_false_starts_nothing_until_it_is_started(lab: Lab) -> None:
    """The backlog waits, the queue counts as not paused, then the worker is started."""
    queue = await lab.queue()
    await queue.add_marked(*range(3))
    handler = lab.handler()
    manager = await queue.work(handler, autorun=False)
    await queue.add_marked(*range(3, 6))
    await lab.canary()
    lab.equal(handler.marks, [], "jobs started with autorun=False")
    lab.equal(await queue.is_paused(), False, "is_paused with autorun=False")
    info = manager.get_worker(queue.name, "job")
    lab.check(info is not None and info.autorun is False, "get_worker().autorun is False", repr(info))
    if lab.claims(Capability.START_WORKER):
        await manager.start_worker(queue.name)
    else:
        await queue.resume()
    await handler.finished(6)


@rule("DSP-07")
async def test_resume_starts_a_worker_with_autorun_false(lab: Lab) -> None:
    """The way that every adapter has."""
    queue = await lab.queue()
    handler = await queue.handled(autorun=False)
    await queue.add_marked(1, 2)
    await lab.canary(1)
    lab.equal(handler.marks, [], "jobs started with autorun=False")
    await queue.resume()
    await handler.finished(2)
