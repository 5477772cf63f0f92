"""PRI: priorities."""

from __future__ import annotations

from nq_conformance.lab import Lab
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
