"""ENQ: payloads that are hard to keep, and payloads that must be refused."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nq_conformance.clock import DRAIN
from nq_conformance.contract import JobInput
from nq_conformance.lab import Lab, Queue, Recorder, Run
from nq_conformance.suite.accepting import accepted
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.json_values import same
from nq_conformance.suite.payloads import (
    DOUBTFUL_TEXTS,
    INTEGERS,
    MIB,
    OPTIONS_AS_DATA,
    RESERVED,
    TEXTS,
    depth_and_core,
    keeps,
    nested,
    refused_values,
    round_trip,
    shortened,
)
from nq_conformance.suite.rules import rule

DEEP, DEEPER = 100, (500, 1_000, 10_000, 100_000)
LARGER = (2 * MIB, 5 * MIB)

_names = count(1)


@rule("ENQ-12")
async def test_keys_that_an_adapter_may_use_itself_are_left_alone(lab: Lab) -> None:
    """Each such key alone, at the top and further in, then all together, and none where none was."""
    queue = await lab.queue()
    await round_trip(lab, queue, {})
    for key in RESERVED:
        await round_trip(lab, queue, {key: "x"})
        await round_trip(lab, queue, [{key: {key: 1}}, {"inner": {key: None}}])
    await round_trip(lab, queue, {key: {key: number} for number, key in enumerate(RESERVED)})


@rule("ENQ-12")
@given(
    st.dictionaries(
        st.sampled_from(RESERVED) | st.from_regex(r"[_$@.:#]{1,2}[a-zA-Z]{1,8}_{0,2}", fullmatch=True),
        st.none() | st.booleans() | st.integers(-9, 99) | st.sampled_from(["", "x", "Set", "2026-01-02"]),
        max_size=4,
    )
)
@examples(25)
async def test_any_combination_of_such_keys_is_left_alone(lab: Lab, value: dict[str, Any]) -> None:
    """Keys with the usual marks of reserved ones, drawn at random."""
    await round_trip(lab, await lab.queue(f"keys{next(_names)}"), value)


@rule("ENQ-12")
async def test_options_in_the_payload_are_data(lab: Lab) -> None:
    """A payload that looks like options and fields of a job changes neither of the job's."""
    queue = await lab.queue()
    plain, like_options = await queue.add({"n": 1}), await queue.add(OPTIONS_AS_DATA)
    lab.check(like_options != "other", "the id is not taken from the payload", like_options)
    jobs = [await queue.job(id) for id in (plain, like_options)]
    told = [(j.name, j.state, j.attempts_made, j.opts.priority, j.opts.attempts, j.opts.delay) for j in jobs]
    what = "name, state, attempts made, priority, attempts and delay of a job whose payload names them all"
    lab.equal(told[1], told[0], what, jobs=[like_options])
    lab.equal(sorted(await queue.ids()), sorted([plain, like_options]), "all jobs of the queue")


@rule("ENQ-12")
async def test_a_job_with_options_in_its_payload_runs_like_any_other(lab: Lab) -> None:
    """At once, in its turn, with the payload as it is; failing, it is not tried again, and both are kept."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue()
    good, bad = lab.handler(), lab.failing()
    await queue.work(good, name="good")
    await queue.work(bad, name="bad")
    failed, done = await queue.add(OPTIONS_AS_DATA, name="bad"), await queue.add(OPTIONS_AS_DATA, name="good")
    job = await queue.reaches(done, "completed")
    lab.check(
        same(good.runs[-1].data, OPTIONS_AS_DATA), "the handler is given it unchanged", good.runs[-1].data
    )
    lab.check(same(job.data, OPTIONS_AS_DATA), "it is unchanged afterwards", repr(job.data), jobs=[done])
    await queue.reaches(failed, "failed")
    lab.equal(len(bad.runs), 1, "runs of a failing job with 1 attempt, and 5 in its payload", jobs=[failed])


@rule("ENQ-13")
async def test_text_of_every_kind_comes_back_unchanged(lab: Lab) -> None:
    """As a payload, inside one, and as a key; nothing is normalised, trimmed or taken for an escape."""
    queue = await lab.queue()
    for text in TEXTS:
        await round_trip(lab, queue, text)
        await round_trip(lab, queue, {text: [text, {"inner": text}]})
    await round_trip(lab, queue, list(TEXTS))


@rule("ENQ-13")
@given(
    st.text(st.characters(), max_size=12) | st.text(st.sampled_from("\0\ud83d\ude00\\u0ea\u0301"), max_size=8)
)
@examples(30)
async def test_any_text_comes_back_unchanged_or_is_refused(lab: Lab, text: str) -> None:
    """Refused may be only text with NUL or a lone surrogate."""
    queue = await lab.queue(f"text{next(_names)}")
    await round_trip(lab, queue, "plain")
    if not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
        await round_trip(lab, queue, {text: text})
    else:
        await _kept_or_refused(lab, queue, {"text": text})
        await _kept_or_refused(lab, queue, {text: 1})


@rule("ENQ-13")
async def test_text_that_was_accepted_can_be_saved_again(lab: Lab) -> None:
    """Jobs with text of every kind, also NUL and lone surrogates if accepted, are retried and complete."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue()

    async def fail_at_first(run: Run) -> None:
        if run.number % 2:
            raise RuntimeError("the first of two attempts, on purpose")

    handler = lab.handler(fail_at_first)
    await queue.work(handler)
    runs = 0
    for value in ("plain", list(TEXTS), *({"text": text, text: 1} for text in DOUBTFUL_TEXTS)):
        id = await accepted(queue.add(value, attempts=2))
        if id is None:
            lab.check(value in _doubtful(), f"{shortened(value)} is accepted", "enqueue raised")
            continue
        await queue.reaches(id, "completed")
        await keeps(lab, queue, id, value)
        for run in handler.runs[runs:]:
            lab.check(
                same(run.data, value), f"the handler is given {shortened(value)}", repr(run.data), jobs=[id]
            )
        lab.equal(len(handler.runs) - runs, 2, f"runs of the job with {shortened(value)}", jobs=[id])
        runs = len(handler.runs)


@rule("ENQ-14")
async def test_integers_come_back_exact_or_are_refused(lab: Lab) -> None:
    """Around the limits of doubles and of 64 bits, and far beyond; small ones must be accepted."""
    queue = await lab.queue()
    for small in (0, 1, -1, 2**31 - 1, -(2**31)):
        await round_trip(lab, queue, small)
    for number in INTEGERS:
        for value in (number, -number, {"number": [number]}):
            await _kept_or_refused(lab, queue, value)


@rule("ENQ-14")
@given(st.integers() | st.integers(2**53, 2**70) | st.integers(-(2**70), -(2**53)))
@examples(25)
async def test_any_integer_comes_back_exact_or_is_refused(lab: Lab, number: int) -> None:
    """Those within 32 bits are accepted."""
    queue = await lab.queue(f"integer{next(_names)}")
    await round_trip(lab, queue, {"n": 1})
    if -(2**31) <= number < 2**31:
        await round_trip(lab, queue, {"n": number})
    else:
        await _kept_or_refused(lab, queue, {"n": number})


@rule("ENQ-14")
async def test_what_json_has_no_form_for_is_refused_at_enqueue(lab: Lab) -> None:
    """As a payload and deep inside one; a list that is there twice is no cycle."""
    queue = await lab.queue()
    twice = [1, {"a": 2}]
    await round_trip(lab, queue, {"first": twice, "second": twice})
    for what, value in refused_values():
        for place, payload in (
            ("as payload", value),
            ("inside a payload", {"good": 1, "list": [1, {"a": value}]}),
        ):
            error = await lab.raises(queue.add(payload), f"enqueue with {what} {place}")
            lab.check(
                not isinstance(error, RecursionError),
                f"enqueue with {what} raises an error that says what is wrong",
                f"it raised {type(error).__name__}",
            )
    for what, keys in (
        ("a number", {1: "a"}),
        ("None", {None: "a"}),
        ("True and text", {True: "a", "true": "b"}),
    ):
        await lab.raises(queue.add(keys), f"enqueue with an object that has {what} for a key")
    await round_trip(lab, queue, "good")


@rule("ENQ-15")
async def test_payloads_nested_100_deep_come_back_whole(lab: Lab) -> None:
    """Lists, objects, and both in turn, with something in the middle; also to the handler."""
    queue = await lab.queue()
    handler = await _handler_of(lab, queue)
    both: Any = {"core": [1, "two"]}
    for _ in range(DEEP // 2):
        both = [{"a": both}]
    payloads = (nested(DEEP), nested(DEEP, objects=True), nested(DEEP, core=[]), both)
    ids = [await round_trip(lab, queue, payload) for payload in payloads]
    await _handled_whole(lab, handler, ids, payloads)


@rule("ENQ-15")
async def test_payloads_of_a_mebibyte_come_back_whole(lab: Lab) -> None:
    """One text, one of characters that take four bytes, and many small values; also to the handler."""
    queue = await lab.queue()
    handler = await _handler_of(lab, queue)
    text = "".join(f"{n:07} " for n in range(MIB // 8))
    many = [f"{n:060}" for n in range(MIB // 64)]
    payloads = (text, "\U0001f680" * (MIB // 4), {"many": many})
    ids = [await round_trip(lab, queue, payload) for payload in payloads]
    await _handled_whole(lab, handler, ids, payloads)


@rule("ENQ-15")
async def test_larger_payloads_come_back_whole_or_are_refused(lab: Lab) -> None:
    """Of 2 and 5 MiB, and nested 500 to 100000 deep; the queue can be used afterwards."""
    queue = await lab.queue()
    ids = [await round_trip(lab, queue, "small")]
    for size in LARGER:
        text = "0123456 " * (size // 8)
        id = await accepted(_enqueue_unseen(lab, queue, text))
        if id is not None:
            ids.append(id)
            data = await _read_unseen(lab, queue, id)
            lab.check(data == text, f"{size} characters come back", shortened(data), jobs=[id])
    for depth in DEEPER:
        id = await accepted(_enqueue_unseen(lab, queue, nested(depth)))
        if id is not None:
            ids.append(id)
            seen = depth_and_core(await _read_unseen(lab, queue, id))
            lab.equal(seen, (depth, "core"), "lists around the core, and the core", jobs=[id])
    ids.append(await round_trip(lab, queue, "last"))
    raw = queue.provider.raw
    jobs = await lab.clock.call(
        lambda: raw.get_jobs(queue.name), "get_jobs with large and deep payloads", DRAIN
    )
    missing = set(ids) - {job.id for job in jobs}
    lab.equal(missing, set(), "accepted jobs that get_jobs does not list", jobs=ids)


async def _kept_or_refused(lab: Lab, queue: Queue, value: Any) -> None:
    id = await accepted(queue.add(value))
    if id is not None:
        await keeps(lab, queue, id, value)


async def _handler_of(lab: Lab, queue: Queue) -> Recorder | None:
    return await queue.handled() if lab.adapter.has_workers else None


async def _handled_whole(
    lab: Lab, handler: Recorder | None, ids: list[str], payloads: tuple[Any, ...]
) -> None:
    if handler is None:
        return
    await handler.finished(len(ids))
    for id, run, payload in zip(ids, handler.runs, payloads, strict=True):
        whole = same(run.data, payload)
        lab.check(whole, f"the handler is given {shortened(payload)}", shortened(run.data), jobs=[id])


async def _enqueue_unseen(lab: Lab, queue: Queue, data: Any) -> str:
    """Enqueue without a record of the payload, which is too large or too deep for ``repr``."""
    raw = queue.provider.raw
    return await lab.clock.call(lambda: raw.enqueue(queue.name, JobInput("deep", data)), "enqueue", DRAIN)


async def _read_unseen(lab: Lab, queue: Queue, id: str) -> Any:
    raw = queue.provider.raw
    job = await lab.clock.call(lambda: raw.get_job(queue.name, id), f"get_job({id!r})", DRAIN)
    lab.check(job is not None, f"get_job finds the job {id!r}", "None", jobs=[id])
    return None if job is None else job.data


def _doubtful() -> list[dict[str, Any]]:
    return [{"text": text, text: 1} for text in DOUBTFUL_TEXTS]
