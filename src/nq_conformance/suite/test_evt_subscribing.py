"""EVT: who hears what: subscriptions, their scope, and callbacks that misbehave."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial
from itertools import count
from typing import Any

import anyio
from hypothesis import given
from hypothesis import strategies as st

from nq_conformance.adapters import Capability
from nq_conformance.clock import DRAIN
from nq_conformance.contract import QUEUE_EVENTS, QueueEvent
from nq_conformance.lab import EventLog, Lab, Queue
from nq_conformance.lab.queue import field_of, is_ready
from nq_conformance.suite.burst import enqueue_burst
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.listening import follow
from nq_conformance.suite.rules import rule

_numbers = count(1)
TWICE = (
    (2, "calls of a callback that is subscribed twice"),
    (3, "calls after one of the two subscriptions was ended"),
)
"""Calls of the callback after each job, and what they are."""


@rule("EVT-07")
async def test_unsubscribe_ends_its_own_subscription_alone(lab: Lab) -> None:
    """The same callable subscribed twice: after one unsubscribe, called twice, it is called once."""
    queue = await lab.queue()
    heard: list[Any] = []
    provider = await lab.provider()
    first, second = [provider.on(queue.name, "waiting", heard.append) for _ in range(2)]
    for unsubscribe in (first, second):
        await is_ready(lab, unsubscribe)
    witness = await queue.listen("waiting")
    for number, (wanted, what) in enumerate(TWICE, start=1):
        await queue.add(number)
        await witness.heard(number)
        await _called(lab, heard, wanted, what)
        await lab.canary()
        lab.equal(len(heard), wanted, what)
        first()
        first()


@rule("EVT-07")
async def test_unsubscribe_inside_a_callback_skips_nobody(lab: Lab) -> None:
    """The first of three listeners ends itself while it is called; the others hear the event."""
    queue = await lab.queue()
    first = await queue.listen("waiting", then=lambda _: first.unsubscribe())
    second, third = await queue.listen("waiting"), await queue.listen("waiting")
    ids = [await queue.add(1)]
    await second.heard(1)
    await third.heard(1)
    ids += [await queue.add(2)]
    await second.heard(2)
    await third.heard(2)
    lab.equal(second.job_ids, ids, "what the listener after it hears", jobs=ids)
    lab.equal(first.job_ids, ids[:1], "what the listener hears that ended itself", jobs=ids)


@rule("EVT-08")
async def test_a_callback_that_raises_disturbs_neither_callers_nor_listeners(lab: Lab) -> None:
    """Listeners that raise stand before and behind one that does not; enqueue and pause return."""
    queue = await lab.queue()
    events: tuple[QueueEvent, ...] = ("waiting", "delayed", "paused")
    logs = {
        event: [await queue.listen(event, then=then) for then in (_stumble, None, _stumble)]
        for event in events
    }
    ids = [await queue.add(1), await queue.add(2)]
    delayed = [await queue.add(delay=60_000), await queue.add(delay=90_000)]
    await queue.pause()
    lab.equal(await queue.is_paused(), True, "is_paused after a pause whose listener raises")
    told: dict[QueueEvent, list[Any]] = {"waiting": ids, "delayed": delayed, "paused": [None]}
    for event, wanted in told.items():
        for log, place in zip(logs[event], ("that raises", "behind it", "that raises, too,"), strict=True):
            await log.heard(len(wanted))
            what = f"job ids of `{event}` events heard by the listener {place}"
            lab.equal(log.job_ids, wanted, what, jobs=[*ids, *delayed])


@rule("EVT-08")
async def test_a_callback_that_raises_does_not_disturb_the_worker(lab: Lab) -> None:
    """Whatever a job tells, somebody raises; the jobs end as they would have ended."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue()
    for event in QUEUE_EVENTS:
        await queue.listen(event, then=_stumble)
    story = await follow(lab, queue, ("completed", "failed"))
    good, bad = lab.handler(), lab.failing("no luck")
    await queue.work(good, name="good", concurrency=2)
    await queue.work(bad, name="bad", concurrency=2)
    done = [await queue.add(number, name="good") for number in range(6)]
    lost = [await queue.add(name="bad", attempts=2), await queue.add(name="bad", attempts=2)]
    await story.tells("completed", *done)
    await story.tells("failed", *lost)
    ends = [await queue.reaches(id, "completed") for id in done]
    ends += [await queue.reaches(id, "failed") for id in lost]
    made = [job.attempts_made for job in ends]
    lab.equal(made, [1] * 6 + [2] * 2, "attempts_made of six jobs that succeed and two that fail")
    lab.equal((len(good.runs), len(bad.runs)), (6, 4), "runs of the two handlers", jobs=[*done, *lost])


@rule("EVT-08")
async def test_a_callback_that_is_slow_disturbs_nobody(lab: Lab) -> None:
    """It holds up the event loop for a moment at each of forty jobs that come at once."""
    queue = await lab.queue()
    slow = await queue.listen("waiting", then=lambda _: time.sleep(0.004))
    other = await queue.listen("waiting")
    handler = await queue.handled(concurrency=3) if lab.adapter.has_workers else None
    ids = await enqueue_burst(lab, queue, [{"n": number} for number in range(40)])
    for log in (slow, other):
        await log.heard(40, budget=DRAIN)
        lab.equal(Counter(log.job_ids), Counter(ids), "job ids of `waiting` events", jobs=ids[:3])
    if handler is not None:
        await handler.finished(40)
        lab.equal(sorted(handler.marks), list(range(40)), "what has run, each once", jobs=ids[:3])


@rule("EVT-09")
async def test_a_subscription_hears_its_own_event_alone(lab: Lab) -> None:
    """All eight are subscribed to; a pause, a job that waits and one that is delayed tell one each."""
    queue = await lab.queue()
    logs = {event: await queue.listen(event) for event in QUEUE_EVENTS}
    await queue.pause()
    await logs["paused"].heard(1)
    await queue.resume()
    wanted: dict[str, list[Any]] = {"paused": [None], "waiting": [await queue.add(1)]}
    wanted["delayed"] = [await queue.add(delay=60_000)]
    await logs["delayed"].heard(1)
    wanted["waiting"].append(await queue.add(2))
    await logs["waiting"].heard(2)
    for event, log in logs.items():
        what = f"job ids of `{event}` events, of a job that waits, a delayed one, a pause and a last job"
        lab.equal(log.job_ids, wanted.get(event, []), what)


@rule("EVT-09")
async def test_queues_with_names_alike_hear_nothing_of_each_other(lab: Lab) -> None:
    """Names that are joined, cut, folded or read as a pattern in careless keys."""
    await _each_hears_its_own(
        lab,
        [
            *("a", "A", "aa", "a:a", "a:", ":a", "a*", "a?", "?", "*", "[a-z]", "a.a", "a/a", "a a", "a\\a"),
            *(
                "a:waiting",
                "waiting",
                "waiting:a",
                "a:waiting:waiting",
                "a:events",
                "a}",
                "{a}",
                "{a",
                "a%3A",
            ),
            *("\u00e9", "e\u0301", "\u00c9", "a\t", "a ", " a"),
        ],
    )


@rule("EVT-09")
@given(
    names=st.lists(
        st.text("a:*?.{}%_-/\\[]A\u0131I", min_size=1, max_size=5), min_size=2, max_size=4, unique=True
    )
)
@examples(15)
async def test_any_two_queues_hear_nothing_of_each_other(lab: Lab, names: list[str]) -> None:
    """Names that nobody thought of, made of what keys and patterns are made of."""
    number = next(_numbers)
    await _each_hears_its_own(lab, [f"{number}{name}" for name in names])


@rule("EVT-10")
async def test_what_happens_right_after_subscribing_is_heard(lab: Lab) -> None:
    """On ten queues of which nobody has heard, and on each of them by a second listener."""
    for _ in range(10):
        queue = await lab.queue()
        first = await queue.listen("waiting")
        ids = [await queue.add(1)]
        await first.heard(1)
        second = await queue.listen("waiting")
        ids += [await queue.add(2)]
        await first.heard(2)
        await second.heard(1)
        lab.equal(first.job_ids, ids, "job ids heard by a listener from the beginning", jobs=ids)
        lab.equal(second.job_ids, ids[1:], "job ids heard by one who came after the first", jobs=ids)


@rule("EVT-10")
async def test_what_another_provider_does_right_after_subscribing_is_heard(lab: Lab) -> None:
    """The listener's provider is not the one that enqueues; for adapters whose events cross processes."""
    if not lab.claims(Capability.DISTRIBUTED_EVENTS):
        return
    other = await lab.new_provider()
    for _ in range(10):
        queue = await lab.queue()
        same = await lab.queue(queue.name, other)
        early = await queue.listen("waiting")
        before = await same.add(1)
        await early.heard(1)
        log = await queue.listen("waiting")
        after = await same.add(2)
        await log.heard(1)
        await early.heard(2)
        what = "job ids heard, of one enqueued before and one after subscribing, by another provider"
        lab.equal((early.job_ids, log.job_ids), ([before, after], [after]), what, jobs=[before, after])


@rule("EVT-10")
async def test_earlier_events_are_not_replayed(lab: Lab) -> None:
    """A busy past: jobs that wait, are delayed and have run, and a listener who heard it all."""
    queue = await lab.queue()
    waiting, delayed, paused = [await queue.listen(e) for e in ("waiting", "delayed", "paused")]
    ids = [*await queue.add_marked(*range(5)), await queue.add(delay=60_000)]
    await queue.pause()
    await queue.resume()
    for log, many in ((waiting, 5), (delayed, 1), (paused, 1)):
        await log.heard(many)  # what is still under way may be told to those who come
    late = [await queue.listen(event) for event in ("waiting", "delayed", "paused")]
    last = [await queue.add("last"), await queue.add(delay=90_000)]
    await queue.pause()
    for log in late:
        await log.heard(1)
    await paused.heard(2)
    await waiting.heard(6)
    await delayed.heard(2)
    told = [log.job_ids for log in late]
    wanted = [[last[0]], [last[1]], [None]]
    lab.equal(told, wanted, "job ids of `waiting`, `delayed`, `paused` events after subscribing", jobs=ids)


@rule("EVT-10")
async def test_a_listener_who_comes_in_the_middle_of_a_burst_misses_nothing_after(lab: Lab) -> None:
    """Jobs are enqueued one after the other while four listeners join, one after the other."""
    queue = await lab.queue()
    early = await queue.listen("waiting")
    burst = _Burst(queue)
    late: list[tuple[list[str], int, EventLog]] = []
    async with lab.meanwhile(burst.run):
        for number in range(1, 5):
            await _grows(lab, burst, 10 * number)
            told = [*early.job_ids]
            log = await queue.listen("waiting")
            late.append((told, burst.calls, log))
        burst.last = burst.calls + 10
    for told, after, log in late:
        await log.heard(len(burst.ids) - after)
        await _hears_last(lab, log, burst.ids[-1])
        missed = [id for id in burst.ids[after:] if id not in log.job_ids]
        lab.equal(missed, [], "jobs missed of those enqueued after the subscription was ready", jobs=missed)
        replayed = [id for id in told if id in log.job_ids]
        lab.equal(replayed, [], "jobs told of those that others had heard of before", jobs=replayed)


@rule("EVT-11")
async def test_a_burst_of_ten_thousand_jobs_tells_each_completion(lab: Lab) -> None:
    """They are enqueued hundreds at a time, and worked off sixty-four at a time meanwhile."""
    queue = await lab.queue()
    heard: list[Any] = []
    await is_ready(lab, queue.provider.on(queue.name, "completed", heard.append))
    await queue.work(_return_nothing, concurrency=64)
    ids = await enqueue_burst(lab, queue, [None] * 10_000)
    for number in range(1_000, 10_001, 1_000):
        await lab.sees(
            partial(_is_long, heard, number),
            budget=DRAIN,
            expected=f"{number} of 10 000 `completed` events",
            seen=lambda: f"{len(heard)}, and no more came",
        )
    told = Counter(field_of(payload, "job_id") for payload in heard)
    missing = [id for id in ids if id not in told]
    lab.equal(len(missing), 0, "jobs of 10 000 without a `completed` event", jobs=missing[:3])
    twice = [id for id, times in told.items() if times > 1]
    lab.equal(len(twice), 0, "jobs of 10 000 with more than one `completed` event", jobs=twice[:3])


async def _called(lab: Lab, heard: list[Any], times: int, what: str) -> None:
    await lab.sees(
        lambda: len(heard) >= times,
        expected=f"{what}: {times}",
        seen=lambda: f"{len(heard)} times",
    )


class _Burst:
    """Jobs enqueued one after the other, until told which is the last."""

    def __init__(self, queue: Queue) -> None:
        self.ids: list[str] = []
        self.calls = 0
        self.last: int | None = None
        self._queue = queue

    async def run(self) -> None:
        """Enqueue; between two jobs, others have their turn."""
        while self.last is None or self.calls < self.last:
            self.calls += 1
            self.ids.append(await self._queue.add())
            await anyio.lowlevel.checkpoint()


async def _grows(lab: Lab, burst: _Burst, length: int) -> None:
    await lab.sees(
        lambda: len(burst.ids) >= length,
        expected=f"{length} jobs enqueued, one after the other",
        seen=lambda: f"{len(burst.ids)}",
    )


async def _hears_last(lab: Lab, log: EventLog, id: str) -> None:
    await lab.sees(
        lambda: id in log.job_ids,
        expected="the event of the last job is heard",
        seen=lambda: f"{log.job_ids[-3:]!r} are the last",
        jobs=[id],
    )


async def _each_hears_its_own(lab: Lab, names: list[str]) -> None:
    queues = [await lab.queue(name) for name in names]
    logs = [await queue.listen("waiting") for queue in queues]
    ids = [await queue.add() for queue in queues]
    last = [await queue.add() for queue in queues]
    for log in logs:
        await log.heard(2)
    place = dict(zip([*ids, *last], [*names, *names], strict=True))
    for name, log, *own in zip(names, logs, ids, last, strict=True):
        heard = [place.get(id, id) for id in log.job_ids]
        what = f"the queues of which a listener of {name!r} hears, after two jobs on each queue"
        lab.equal(heard, [name, name], what, jobs=own)


def _is_long(heard: list[Any], length: int) -> bool:
    return len(heard) >= length


async def _return_nothing(_data: Any, _ctx: Any) -> None:
    """The lightest handler."""


def _stumble(_: Any) -> None:
    raise RuntimeError("raised by a callback on purpose")
