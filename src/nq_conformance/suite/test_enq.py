"""ENQ: enqueue: ids, refusals, and that what goes in comes out. More payloads: ``test_enq_data``."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nq_conformance.contract import Backoff
from nq_conformance.lab import Lab, Queue
from nq_conformance.lab.queue import JOB
from nq_conformance.suite.accepting import shares_data
from nq_conformance.suite.burst import enqueue_burst
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.json_values import NUMBERED, TRICKY, same, values
from nq_conformance.suite.payloads import round_trip
from nq_conformance.suite.rules import rule

CALLS = 10_000
UNKNOWN_BACKOFFS = ("", "weird", "Fixed", "linear", None)

_names = count(1)


@rule("ENQ-01")
async def test_ten_thousand_calls_get_ten_thousand_ids(lab: Lab) -> None:
    """Hundreds at a time on one queue, through two providers where they share it; no job is overwritten."""
    queues = [await lab.queue("many")]
    _check_is_id(lab, await (await lab.queue()).add("one"))
    if shares_data(lab):
        queues.append(await lab.queue("many", await lab.new_provider()))
    each = CALLS // len(queues)
    ids: dict[int, str] = {}

    async def enqueue_part(part: int) -> None:
        numbers = range(part * each, (part + 1) * each)
        ids.update(zip(numbers, await enqueue_burst(lab, queues[part], numbers), strict=True))

    async with lab.meanwhile(lambda: enqueue_part(len(queues) - 1)):
        for part in range(len(queues) - 1):
            await enqueue_part(part)
    no_text = [id for id in ids.values() if not _is_id(id)]
    lab.check(not no_text, "each id is a non-empty text", f"{len(no_text)} are not: {no_text[:3]!r}")
    most, times = Counter(ids.values()).most_common(1)[0]
    seen = f"{len(set(ids.values()))} different ids; {times} calls were given {most!r}"
    lab.check(times == 1, f"{CALLS} calls return {CALLS} different ids", seen, jobs=[most])
    for number in range(0, CALLS, CALLS // 20):
        job = await queues[0].job(ids[number])
        lab.equal(job.data, number, f"data of the job that call {number} enqueued", jobs=[job.id])


@rule("ENQ-02")
async def test_an_enqueued_job_is_found_at_once(lab: Lab) -> None:
    """get_job right after each of several enqueues, on two queues, finds name and data."""
    for queue in (await lab.queue(), await lab.queue()):
        for number, name in enumerate(("first", "second", "third")):
            id = await queue.add({"n": number}, name=name)
            job = await queue.job(id)
            lab.equal((job.id, job.name, job.data), (id, name, {"n": number}), "id, name and data", jobs=[id])
            lab.check(job.state in ("waiting", "paused"), "it is waiting", job.state, jobs=[id])


@rule("ENQ-03")
async def test_enqueue_needs_neither_a_worker_nor_a_known_queue(lab: Lab) -> None:
    """On queues that nobody has named before, plainly, delayed and with an id, there is an id for each."""
    for opts in ({}, {"delay": 60_000}, {"job_id": "given"}, {"priority": 3}):
        queue = await lab.queue()
        for name in (JOB, "another"):
            _check_is_id(lab, await queue.add({"n": 1}, name=name, **opts))


@rule("ENQ-03")
async def test_enqueue_needs_no_worker_when_there_was_one_elsewhere_or_before(lab: Lab) -> None:
    """A worker of another queue, of another job's name, and one that was closed are of no importance."""
    if not lab.adapter.has_workers:
        return
    queue, other, third = await lab.queue(), await lab.queue(), await lab.queue()
    with suppress(Exception):  # whether workers can be had is not this rule's business
        await other.handled()
        await queue.handled(name="another")
    _check_is_id(lab, await queue.add({"n": 1}))
    _check_is_id(lab, await third.add({"n": 1}))
    with suppress(Exception):
        await (await lab.manager()).close_all()
    _check_is_id(lab, await queue.add({"n": 2}))
    _check_is_id(lab, await queue.add({"n": 3}, name="another"))
    _check_is_id(lab, await other.add({"n": 4}))


@rule("ENQ-04")
async def test_an_enqueue_that_raises_leaves_neither_job_nor_event(lab: Lab) -> None:
    """Each refused payload and option on a queue of its own; then two good jobs, one with the same id."""
    for what, data, opts in (
        ("NaN at the end of the payload", {"good": [1, "two"], "bad": [float("nan")]}, {}),
        ("bytes as payload", b"abc", {}),
        ("a delay and bytes as payload", b"abc", {"delay": 60_000}),
        ("a priority and an object as payload", object(), {"priority": 3}),
        ("a negative delay", "good", {"delay": -1}),
        ("an unknown backoff type", "good", {"attempts": 2, "backoff": ("weird", 10)}),
    ):
        queue, same_id = await lab.queue(), f"same{next(_names)}"
        waiting, delayed = await queue.listen("waiting"), await queue.listen("delayed")
        await lab.raises(queue.add(data, job_id=same_id, **opts), f"enqueue with {what}")
        lab.equal(await queue.ids(), [], f"jobs left behind by an enqueue with {what}", jobs=[same_id])
        good = await queue.add("good")
        await queue.add("second try", job_id=same_id)
        lab.equal(
            (await queue.job(same_id)).data,
            "second try",
            f"data of the job enqueued with the id of one refused for {what}",
            jobs=[same_id],
        )
        await waiting.heard(2)
        told = waiting.job_ids + delayed.job_ids
        lab.equal(told, [good, same_id], f"events after {what} was refused and two jobs accepted")


@rule("ENQ-10")
async def test_what_the_caller_does_to_its_objects_later_changes_no_job(lab: Lab) -> None:
    """One dict is used for three jobs and changed, at all depths, between and after them."""
    gate, queue = lab.gate(), await lab.queue()
    handler = lab.handler(gate=gate)
    if lab.adapter.has_workers:
        await queue.work(handler)
    data: dict[str, Any] = {"n": 1, "inner": {"list": [1]}}
    ids = []
    for number in (1, 2, 3):
        data["n"] = number
        data["inner"]["list"][0] = number
        ids.append(await queue.add(data))
    data["inner"]["list"].append("later")
    data["inner"]["later"] = data["later"] = "later"
    for number, id in enumerate(ids, start=1):
        job = await queue.job(id)
        wanted = {"n": number, "inner": {"list": [number]}}
        lab.equal(job.data, wanted, f"data of job {number}, whose dict was changed afterwards", jobs=[id])
    if lab.adapter.has_workers:
        gate.open()
        await handler.finished(3)
        seen = [run.data["inner"]["list"] for run in handler.runs]
        lab.equal(seen, [[1], [2], [3]], "what the handler is given as the inner list", jobs=ids)


@rule("ENQ-10")
async def test_what_a_reader_does_to_a_job_changes_no_job(lab: Lab) -> None:
    """Data and fields of jobs from get_job and get_jobs, and the list itself, are the reader's own."""
    queue = await lab.queue()
    id = await queue.add({"list": [1], "inner": {"a": 1}})
    await queue.add("second")
    listed = await queue.list()
    for job in (await queue.job(id), next(job for job in listed if job.id == id)):
        data: Any = job.data
        data["list"].append("later")
        data["inner"]["a"] = data["later"] = "later"
        for field in ("name", "state", "data"):
            with suppress(Exception):  # fields that can't be set are as good
                setattr(job, field, "later")
    with suppress(Exception):
        listed.clear()  # type: ignore[attr-defined]
    again = await queue.job(id)
    seen = (again.name, again.data, again.state in ("waiting", "paused"))
    lab.equal(
        seen,
        (JOB, {"list": [1], "inner": {"a": 1}}, True),
        "name, data and being waiting, after readers changed what they were given",
        jobs=[id],
    )
    lab.equal(
        [j.data for j in await queue.list() if j.id == id], [again.data], "its data in get_jobs", jobs=[id]
    )
    lab.equal(len(await queue.list()), 2, "jobs of the queue, after a reader emptied the list it was given")


@rule("ENQ-10")
async def test_a_job_in_hand_does_not_change_when_the_job_does(lab: Lab) -> None:
    """What get_job and get_jobs returned before the job ran says afterwards what it said before."""
    if not lab.adapter.has_workers:
        return
    gate, queue = lab.gate(), await lab.queue()
    await queue.work(lab.handler(_append_to_its_data, gate=gate))
    id = await queue.add({"n": 1})
    in_hand = [await queue.job(id), *await queue.list()]
    before = [(job.state, job.attempts_made, job.finished_on, job.return_value) for job in in_hand]
    gate.open()
    done = await queue.reaches(id, "completed")
    after = [(job.state, job.attempts_made, job.finished_on, job.return_value) for job in in_hand]
    lab.equal(after, before, "state, attempts, end and result of the job as read before it ran", jobs=[id])
    wanted = {"n": 1}
    lab.equal(
        [j.data for j in (*in_hand, done)], [wanted] * 3, "its data, which a handler changed", jobs=[id]
    )


@rule("ENQ-11")
async def test_every_json_value_comes_back_unchanged(lab: Lab) -> None:
    """Values that adapters have lost: empty ones, falsy ones, odd keys, odd text."""
    queue = await lab.queue()
    for value in (*TRICKY, NUMBERED):
        await round_trip(lab, queue, value)


@rule("ENQ-11")
@given(value=values)
@examples(40)
async def test_any_json_value_comes_back_unchanged(lab: Lab, value: Any) -> None:
    """Values that nobody thought of."""
    await round_trip(lab, await lab.queue(f"any{next(_names)}"), value)


@rule("ENQ-11")
async def test_a_handler_is_given_every_json_value_unchanged(lab: Lab) -> None:
    """The same values as a handler sees them."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue()
    handler = await queue.handled()
    for number, value in enumerate((*TRICKY, NUMBERED), start=1):
        id = await queue.add(value)
        await handler.finished(number)
        seen = handler.runs[-1].data
        lab.check(same(seen, value), f"the handler is given {value!r}", repr(seen), jobs=[id])


@rule("ENQ-16")
async def test_bad_options_and_names_are_refused(lab: Lab) -> None:
    """Each on a queue that has just taken the same with a good value, and takes another afterwards."""
    queue = await lab.queue()
    good: list[dict[str, Any]] = [
        {"delay": 0, "priority": 0, "attempts": 1},
        {"attempts": 0, "priority": 5, "delay": 60_000},
        {"attempts": 2, "backoff": ("fixed", 0)},
        {"attempts": 2, "backoff": ("exponential", 10)},
    ]
    for opts in good:
        await queue.job(await queue.add("good", **opts))
    bad: list[tuple[str, dict[str, Any]]] = [
        *((f"a delay of {value!r}", {"delay": value}) for value in (-1, float("nan"), "10", "soon")),
        *((f"a priority of {value!r}", {"priority": value}) for value in (1.5, float("nan"), "high", "1")),
        *((f"{value} attempts", {"attempts": value}) for value in (-1, -100)),
        *((f"the backoff type {kind!r}", _with_backoff(kind, 10)) for kind in UNKNOWN_BACKOFFS),
        *(
            (f"a backoff of {value!r} ms", _with_backoff("fixed", value))
            for value in (-1, float("nan"), "10")
        ),
        ("an empty job name", {"name": ""}),
        ("an empty job_id", {"job_id": ""}),
    ]
    for what, opts in bad:
        await lab.raises(queue.add("bad", **opts), f"enqueue with {what}")
    await lab.raises(Queue("", lab, queue.provider).add(), "enqueue on a queue with an empty name")
    await queue.job(await queue.add("good"))


@rule("ENQ-16")
@given(st.integers(max_value=-1) | st.text(max_size=5) | st.floats(max_value=-1e-3), st.data())
@examples(20)
async def test_any_negative_number_or_text_is_refused_as_an_option(
    lab: Lab, value: Any, data: st.DataObject
) -> None:
    """As delay, as attempts if it is a number, as a backoff's delay; and texts as a backoff's type."""
    queue = await lab.queue(f"any{next(_names)}")
    await queue.add("good", delay=10, attempts=2, backoff=("fixed", 10))
    options = [{"delay": value}, _with_backoff("fixed", value)]
    if isinstance(value, str) and value not in ("fixed", "exponential"):
        options.append(_with_backoff(value, 10))
    elif isinstance(value, int):
        options.append({"attempts": value})
    opts = data.draw(st.sampled_from(options))
    await lab.raises(queue.add("bad", **opts), f"enqueue with {opts!r}")


async def _append_to_its_data(run: Any) -> str:
    run.data["later"] = "later"
    return "done"


def _is_id(id: object) -> bool:
    return isinstance(id, str) and id != ""


def _check_is_id(lab: Lab, id: object) -> None:
    lab.check(_is_id(id), "enqueue returns the id of the job, a text", repr(id))


def _with_backoff(kind: Any, delay: Any) -> dict[str, Any]:
    return {"attempts": 2, "backoff": Backoff(kind, delay)}
