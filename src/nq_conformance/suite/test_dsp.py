"""DSP: which handler a job goes to."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from nq_conformance.adapters import Capability
from nq_conformance.lab import Lab
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.json_values import same
from nq_conformance.suite.rules import rule

_numbers = count(1)

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

NAME_KEYS = (
    *("name", "jobName", "job_name", "__jobName", "__job_name", "_name", "type", "task", "handler"),
    *("step", "stepName", "step_name", "__name", "queue", "id", "method", "action", "$name"),
)
"""Under what an adapter might look for a job's name in its payload."""


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
    info = await manager.get_worker(queue.name, "job")
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


@rule("DSP-04")
async def test_jobs_without_a_handler_do_not_stop_the_others(lab: Lab) -> None:
    """Nine of them among nine that have one, on one slot, with and without attempts left."""
    queue = await lab.queue()
    ids: list[str] = []
    for number in range(9):
        ids += [await queue.add(name=f"nobody {number}", attempts=1 + number % 3)]
        await queue.add_marked(number, name="known")
    handler = lab.handler()
    await queue.work(handler, name="known", concurrency=1)
    await handler.finished(9)
    lab.equal(
        sorted(handler.marks), list(range(9)), "jobs that have run, beside nine without handler", jobs=ids
    )
    last = await queue.add_marked("last", name="known")
    await handler.finished(10)
    lab.equal(handler.marks[-1:], ["last"], "the job that comes when all others are through", jobs=last)


@rule("DSP-05")
async def test_a_second_registration_of_a_name_replaces_its_handler(lab: Lab) -> None:
    """For jobs that wait already and for later ones; a running one ends in the old handler. Other
    names, and the same name on another queue, keep theirs."""
    queue, elsewhere, gate = await lab.queue(), await lab.queue(), lab.gate()
    old, new = lab.handler(gate=gate, name="old handler"), lab.handler(name="new handler")
    other, same_name = (
        lab.handler(name="handler of the other name"),
        lab.handler(name="other queue's handler"),
    )
    await queue.work(old, name="a", concurrency=1)
    await queue.work(other, name="b")
    await elsewhere.work(same_name, name="a")
    ids = await queue.add_marked("running", "waiting", name="a")
    await old.started(1)
    await queue.work(new, name="a")
    gate.open()
    for id in ids:
        await queue.reaches(id, "completed")
    lab.equal(old.marks, ["running"], "jobs that the old handler was given", jobs=ids)
    await queue.add_marked("later", name="a")
    await queue.add_marked("b's", name="b")
    await elsewhere.add_marked("elsewhere", name="a")
    await new.finished(2)
    await other.finished(1)
    await same_name.finished(1)
    lab.equal(new.marks, ["waiting", "later"], "jobs that the new handler was given", jobs=ids)
    lab.equal(other.marks, ["b's"], "jobs that the handler of the other name was given")
    lab.equal(same_name.marks, ["elsewhere"], "jobs that the handler on the other queue was given")


@rule("DSP-05")
async def test_what_is_registered_under_each_name_is_told(lab: Lab) -> None:
    """Queue, name, runtime and autorun as they were given; nothing under other names and queues."""
    queue, other = await lab.queue(), await lab.queue()
    manager = await queue.work(lab.handler(), name="a", concurrency=2)
    await queue.work(lab.handler(), name="b", manager=manager, autorun=False)
    for name, autorun in (("a", True), ("b", False)):
        info: Any = await manager.get_worker(queue.name, name)
        lab.check(info is not None, f"get_worker finds {name!r}", "None")
        lab.check(info.handler is not None, f"get_worker tells the handler of {name!r}", "None")
        told = (info.queue_name, info.job_name, info.runtime, info.concurrency, info.autorun)
        wanted = (queue.name, name, "in-process", 2, autorun)
        lab.equal(told, wanted, "queue_name, job_name, runtime, concurrency and autorun of get_worker")
    for where, name in ((queue, "c"), (other, "a")):
        lab.equal(await manager.get_worker(where.name, name), None, f"get_worker of {name!r} on {where.name}")


@rule("DSP-05")
async def test_an_idle_worker_takes_a_replaced_handler_too(lab: Lab) -> None:
    """Replaced three times, with a job after each."""
    queue = await lab.queue()
    handlers = [lab.handler(name=f"handler number {number}") for number in range(4)]
    for number, handler in enumerate(handlers):
        await queue.work(handler)
        [id] = await queue.add_marked(number)
        await queue.reaches(id, "completed")
    lab.equal([handler.marks for handler in handlers], [[0], [1], [2], [3]], "jobs of each handler in turn")


@rule("DSP-08")
@given(keys=st.sets(st.sampled_from(NAME_KEYS), min_size=1), nested=st.booleans())
@example(keys=set(NAME_KEYS), nested=True)
@examples(8)
async def test_the_payload_does_not_choose_the_handler(lab: Lab, keys: set[str], nested: bool) -> None:
    """Payloads that name another handler, flat and nested, under names that dispatchers know."""
    fields = dict.fromkeys(sorted(keys), "other")
    await _is_not_led_astray(lab, {**fields, "job": fields, "opts": fields} if nested else fields)


@rule("DSP-08")
async def test_no_form_of_payload_chooses_the_handler(lab: Lab) -> None:
    """All such keys at once, a list, a text, and a number of the other handler."""
    every = dict.fromkeys(NAME_KEYS, "other")
    for data in ({**every, "flow_name": "other", "flowName": "other"}, ["other", "other"], "other", 1):
        await _is_not_led_astray(lab, data)


async def _is_not_led_astray(lab: Lab, data: Any) -> None:
    """Three jobs with this payload: of a name, of another, and of one without a handler."""
    queue = await lab.queue(f"astray{next(_numbers)}")
    handlers = {name: lab.handler(name=f"handler of {name!r}") for name in ("mine", "other")}
    for name, handler in handlers.items():
        await queue.work(handler, name=name)
    ids = {name: await queue.add(data, name=name) for name in ("mine", "other", "nobody")}
    for id in ids.values():
        await queue.reaches(id, "completed", "failed")
    for name, handler in handlers.items():
        lab.equal(
            [run.job_id for run in handler.runs], [ids[name]], f"jobs that the handler of {name!r} was given"
        )
        seen = handler.runs[0].data
        lab.check(same(seen, data), f"it is given {data!r}", repr(seen), jobs=[ids[name]])
    lab.equal((await queue.job(ids["nobody"])).state, "failed", "state of a job of the name 'nobody'")
