"""PRI: priorities."""

from __future__ import annotations

from typing import Any

from nq_conformance.lab import Gate, Lab, Recorder, Run
from nq_conformance.suite.later import let_fall_due
from nq_conformance.suite.rules import rule


@rule("PRI-01")
async def test_the_lower_number_starts_first(lab: Lab) -> None:
    """Priorities in no order, two digits among them, start in ascending order."""
    queue = await lab.queue()
    ids = [await queue.add({"n": p}, priority=p) for p in (5, 12, 1, 100, 3, 2)]
    handler = await queue.handled(concurrency=1)
    await handler.finished(6)
    lab.equal(handler.marks, [1, 2, 3, 5, 12, 100], "priorities in the order of start", jobs=ids)


@rule("PRI-02")
async def test_no_priority_and_zero_come_before_all_others(lab: Lab) -> None:
    """Jobs with priorities 1 and 2 wait first; one without priority and one with 0 overtake them."""
    queue = await lab.queue()
    ids = [*await queue.add_marked("one", priority=1), *await queue.add_marked("two", priority=2)]
    ids += [*await queue.add_marked("unset"), *await queue.add_marked("zero", priority=0)]
    handler = await queue.handled(concurrency=1)
    await handler.finished(4)
    lab.equal(handler.marks, ["unset", "zero", "one", "two"], "the order of start", jobs=ids)


@rule("PRI-03")
async def test_equal_priorities_start_in_the_order_of_their_enqueue(lab: Lab) -> None:
    """Twelve jobs of one priority, mixed with twelve of another."""
    queue = await lab.queue()
    ids = [await queue.add({"n": [p, i]}, priority=p) for i in range(12) for p in (4, 2)]
    handler = await queue.handled(concurrency=1)
    await handler.finished(24)
    wanted = [[p, i] for p in (2, 4) for i in range(12)]
    lab.equal(handler.marks, wanted, "[priority, number] in the order of start", jobs=ids[:4])


@rule("PRI-04")
async def test_a_delayed_job_has_its_priority_when_it_is_due(lab: Lab) -> None:
    """Four fall due while the only slot is taken; jobs that wait stand before and between them."""
    queue = await lab.queue()
    handler, gate = _one_job_at_the_gate(lab)
    await queue.work(handler, concurrency=1)
    ids = await queue.add_marked("gate")
    await handler.started(1)
    for priority in (5, 0, 1, 3):
        ids += await queue.add_marked(priority, priority=priority, delay=80)
    for priority in (4, 2):
        ids += await queue.add_marked(priority, priority=priority)
    await let_fall_due(lab, 80)
    gate.open()
    await handler.finished(7)
    wanted = ["gate", 0, 1, 2, 3, 4, 5]
    lab.equal(handler.marks, wanted, "priorities in the order of start, 0, 1, 3, 5 after a delay", jobs=ids)


@rule("PRI-04")
async def test_a_retry_without_backoff_has_its_jobs_priority(lab: Lab) -> None:
    """A job of priority 5 fails while one of 1 and one of 9 wait: it is tried again between them."""
    queue = await lab.queue()
    handler, gate = _one_job_at_the_gate(lab, failures=1)
    await queue.work(handler, concurrency=1)
    ids = await queue.add_marked("gate", priority=5, attempts=2)
    await handler.started(1)
    ids += [*await queue.add_marked(9, priority=9), *await queue.add_marked(1, priority=1)]
    gate.open()
    await handler.finished(4)
    wanted = ["gate", 1, "gate", 9]
    lab.equal(handler.marks, wanted, "priorities in the order of start, `gate` is 5 and fails once", jobs=ids)


@rule("PRI-04")
async def test_a_retry_after_its_backoff_has_its_jobs_priority(lab: Lab) -> None:
    """The same with a backoff that is over while another job takes the only slot."""
    queue = await lab.queue()
    gate = lab.gate()

    async def body(run: Run) -> Any:
        if run.number == 1:
            await queue.add_marked("gate")  # the next to start, however short the backoff
            raise RuntimeError("first attempt")
        if run.mark == "gate":
            await gate.passed()

    handler = lab.handler(body)
    await queue.work(handler, concurrency=1)
    ids = await queue.add_marked(5, priority=5, attempts=2, backoff=("fixed", 60))
    await handler.started(2)
    await let_fall_due(lab, 90)
    ids += [*await queue.add_marked(9, priority=9), *await queue.add_marked(1, priority=1)]
    gate.open()
    await handler.finished(5)
    wanted = [5, "gate", 1, 5, 9]
    lab.equal(handler.marks, wanted, "priorities in the order of start, 5 fails once", jobs=ids)


@rule("PRI-04")
async def test_jobs_held_by_a_pause_keep_their_priority(lab: Lab) -> None:
    """On one queue the worker is there first, on the other last; half the jobs come while paused."""
    served, unserved = await lab.queue(), await lab.queue()
    first = await served.handled(concurrency=1)
    await served.pause()
    ids = [await served.add({"n": p}, priority=p) for p in (3, 1, 0, 2)]
    await served.resume()
    await first.finished(4)
    lab.equal(first.marks, [0, 1, 2, 3], "priorities of held jobs in the order of start", jobs=ids)
    ids = [await unserved.add({"n": p}, priority=p) for p in (3, 1)]
    await unserved.pause()
    ids += [await unserved.add({"n": p}, priority=p) for p in (2, 0)]
    await unserved.resume()
    last = await unserved.handled(concurrency=1)
    await last.finished(4)
    lab.equal(last.marks, [0, 1, 2, 3], "the same with jobs from before the pause", jobs=ids)


@rule("PRI-05")
async def test_an_urgent_job_is_the_next_to_start(lab: Lab) -> None:
    """Both slots are taken and a dozen jobs wait; an urgent one comes, and one slot is freed."""
    queue = await lab.queue()
    gates = {"first": lab.gate(), "second": lab.gate()}

    async def body(run: Run) -> Any:
        if run.mark in gates:
            await gates[run.mark].passed()

    handler = lab.handler(body)
    ids = await queue.add_marked("first", "second")
    ids += await queue.add_marked(*range(12), priority=5)
    await queue.work(handler, concurrency=2)
    await handler.started(2)
    ids += await queue.add_marked("urgent", priority=1)
    gates["first"].open()
    await handler.started(3)
    lab.equal(handler.marks[2], "urgent", "the third to start, after two jobs that took the slots", jobs=ids)
    gates["second"].open()
    await handler.finished(15)


@rule("PRI-05")
async def test_what_a_handler_enqueues_can_be_the_next_to_start(lab: Lab) -> None:
    """In the middle of a backlog a handler adds a job of better priority, and one with none at all."""
    queue = await lab.queue()
    urgent: dict[Any, tuple[str, int]] = {2: ("better", 3), 5: ("none", 0)}

    async def body(run: Run) -> Any:
        if run.mark in urgent:
            mark, priority = urgent[run.mark]
            await queue.add({"n": mark}, priority=priority)

    handler = lab.handler(body)
    ids = await queue.add_marked(*range(9), priority=7)
    await queue.work(handler, concurrency=1)
    await handler.finished(11)
    wanted = [0, 1, 2, "better", 3, 4, 5, "none", 6, 7, 8]
    lab.equal(handler.marks, wanted, "the order of start, 2 and 5 enqueue an urgent job", jobs=ids)


def _one_job_at_the_gate(lab: Lab, *, failures: int = 0) -> tuple[Recorder, Gate]:
    """A handler that stops at the gate for the mark ``gate``, and fails in its first runs."""
    gate = lab.gate()

    async def body(run: Run) -> Any:
        if run.mark == "gate":
            await gate.passed()
        if run.number <= failures:
            raise RuntimeError("first attempt")

    return lab.handler(body), gate
