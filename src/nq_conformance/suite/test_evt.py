"""EVT: what a queue tells its subscribers."""

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
from nq_conformance.contract import QUEUE_EVENTS, Job, QueueEvent
from nq_conformance.lab import EventLog, Lab, Queue
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.burst import enqueue_burst
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.listening import follow, tasks_beside
from nq_conformance.suite.rules import rule

_numbers = count(1)
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
        before = await same.add(1)
        log = await queue.listen("waiting")
        after = await same.add(2)
        await log.heard(1)
        what = "job ids heard, of one enqueued before and one after subscribing, by another provider"
        lab.equal(log.job_ids, [after], what, jobs=[before, after])


@rule("EVT-10")
async def test_earlier_events_are_not_replayed(lab: Lab) -> None:
    """A busy past: jobs that wait, are delayed and have run, and a listener who heard it all."""
    queue = await lab.queue()
    waiting, delayed, paused = [await queue.listen(e) for e in ("waiting", "delayed", "paused")]
    ids = [*await queue.add_marked(*range(5)), await queue.add(delay=60_000)]
    await queue.pause()
    await queue.resume()
    late = [await queue.listen(event) for event in ("waiting", "delayed", "paused")]
    last = [await queue.add("last"), await queue.add(delay=90_000)]
    await queue.pause()
    for log in (*late, paused):
        await log.heard(1)
    await waiting.heard(6)
    await delayed.heard(2)
    told = [log.job_ids for log in late]
    wanted = [[last[0]], [last[1]], [None]]
    lab.equal(told, wanted, "job ids of `waiting`, `delayed`, `paused` events after subscribing", jobs=ids)


@rule("EVT-10")
async def test_a_listener_who_comes_in_the_middle_of_a_burst_misses_nothing_after(lab: Lab) -> None:
    """Jobs are enqueued one after the other while four listeners join, one after the other."""
    queue = await lab.queue()
    burst = _Burst(queue)
    late: list[tuple[int, int, EventLog]] = []
    async with lab.meanwhile(burst.run):
        for number in range(1, 5):
            await _grows(lab, burst, 10 * number)
            before = len(burst.ids)
            log = await queue.listen("waiting")
            late.append((before, burst.calls, log))
        burst.last = burst.calls + 10
    for before, after, log in late:
        await log.heard(len(burst.ids) - after)
        await _hears_last(lab, log, burst.ids[-1])
        missed = [id for id in burst.ids[after:] if id not in log.job_ids]
        lab.equal(missed, [], "jobs missed of those enqueued after the subscription was ready", jobs=missed)
        replayed = [id for id in burst.ids[:before] if id in log.job_ids]
        lab.equal(replayed, [], "jobs told of those enqueued before subscribing", jobs=replayed)


@rule("EVT-11")
async def test_a_burst_of_ten_thousand_jobs_tells_each_completion(lab: Lab) -> None:
    """They are enqueued hundreds at a time, and worked off sixty-four at a time meanwhile."""
    queue = await lab.queue()
    heard: list[Any] = []
    unsubscribe: Any = queue.provider.on(queue.name, "completed", heard.append)
    ready = getattr(unsubscribe, "ready", None)
    if ready is not None:
        await lab.clock.call(ready, "the subscription's ready()")
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
