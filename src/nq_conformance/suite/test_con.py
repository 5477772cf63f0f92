"""CON: how many handlers run at once."""

from __future__ import annotations

from nq_conformance.clock import DRAIN
from nq_conformance.lab import Lab
from nq_conformance.suite.rules import rule


@rule("CON-01")
async def test_as_many_handlers_run_as_concurrency_says(lab: Lab) -> None:
    """Nine jobs and three slots: three start, the others wait for them."""
    queue, gate = await lab.queue(), lab.gate()
    handler = lab.handler(gate=gate)
    await queue.add_marked(*range(9))
    await queue.work(handler, concurrency=3)
    await handler.started(3)
    await lab.canary()
    lab.equal(handler.running, 3, "handlers running at concurrency 3")
    gate.open()
    await handler.finished(9)
    lab.equal(handler.most_running, 3, "the most that ran at once")


@rule("CON-01")
async def test_one_handler_runs_at_a_time_by_default(lab: Lab) -> None:
    """Without a concurrency, the second job waits for the first."""
    queue, gate = await lab.queue(), lab.gate()
    handler = lab.handler(gate=gate)
    await queue.add_marked(1, 2)
    await queue.work(handler)
    await handler.started(1)
    await lab.canary()
    lab.equal(handler.running, 1, "handlers running without a concurrency given")
    gate.open()
    await handler.finished(2)


@rule("CON-01")
async def test_the_handlers_of_a_queue_share_its_slots(lab: Lab) -> None:
    """Two names on one queue with two slots: two run in all, not two each."""
    queue, gate = await lab.queue(), lab.gate()
    handler = lab.handler(gate=gate)
    for number in range(6):
        await queue.add({"n": number}, name=("left", "right")[number % 2])
    await queue.work(handler, name="left", concurrency=2)
    await queue.work(handler, name="right", concurrency=2)
    await handler.started(2)
    await lab.canary()
    lab.equal(handler.running, 2, "handlers of both names running at concurrency 2")
    gate.open()
    await handler.finished(6)


@rule("CON-04")
async def test_a_slot_is_free_again_after_a_failure(lab: Lab) -> None:
    """A hundred jobs fail on two slots; two gated jobs then still run at once."""
    queue, gate = await lab.queue(), lab.gate()
    failing, good = lab.failing(), lab.handler(gate=gate)
    await queue.work(failing, name="bad", concurrency=2)
    await queue.work(good, name="good")
    await queue.add_marked(*range(100), name="bad")
    await failing.finished(100)
    await queue.add_marked("a", "b", name="good")
    await good.started(2)
    gate.open()
    await good.finished(2)


@rule("CON-04")
async def test_a_slot_is_free_again_after_a_timeout(lab: Lab) -> None:
    """Six handlers run into their timeout on two slots; two more jobs still run at once."""
    queue, gate = await lab.queue(), lab.gate()
    stuck, good = lab.handler(gate=lab.gate()), lab.handler(gate=gate)
    await queue.work(stuck, name="stuck", concurrency=2)
    await queue.work(good, name="good")
    await queue.add_marked(*range(6), name="stuck", timeout=50)
    await stuck.started(6, budget=DRAIN)
    await queue.add_marked("a", "b", name="good")
    await good.started(2)
    gate.open()
    await good.finished(2)


@rule("CON-05")
async def test_a_blocked_queue_does_not_stall_another(lab: Lab) -> None:
    """Every slot of one queue is taken by a handler that waits; another queue is worked off."""
    blocked, free, gate = await lab.queue(), await lab.queue(), lab.gate()
    waiting = lab.handler(gate=gate)
    await blocked.work(waiting, concurrency=2)
    await blocked.add_marked(1, 2, 3)
    await waiting.started(2)
    handler = await free.handled(concurrency=2)
    await free.add_marked(*range(12))
    await handler.finished(12)
    lab.equal(waiting.running, 2, "handlers still running on the blocked queue")
    gate.open()
    await waiting.finished(3)
