"""CON: how many handlers run at once."""

from __future__ import annotations

import math
import time
from itertools import count
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nq_conformance.clock import DRAIN
from nq_conformance.lab import Lab, ManagerUnderTest, Queue
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.rules import rule

IDLE_MS = 500
MOST_IDLE_SHARE = 0.14
"""How much of the time a process with idle workers may compute; one that spins takes all it gets."""

_numbers = count(1)


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
    await queue.work(handler, name="left", concurrency=2)
    await queue.work(handler, name="right", concurrency=2)
    for number in range(6):
        await queue.add({"n": number}, name=("left", "right")[number % 2])
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


@rule("CON-02")
async def test_a_later_registration_raises_the_concurrency_of_a_running_worker(lab: Lab) -> None:
    """One slot, taken, and a backlog: a second name with concurrency 3 sets two more jobs going."""
    queue, gate = await lab.queue(), lab.gate()
    handler = lab.handler(gate=gate)
    ids = await queue.add_marked(*range(8), name="left")
    manager = await queue.work(handler, name="left")
    await handler.started(1)
    await queue.work(handler, name="right", concurrency=3)
    await handler.started(3)
    await lab.canary()
    lab.equal(handler.running, 3, "handlers running after a registration with concurrency 3", jobs=ids[:4])
    await _reports(lab, manager, queue, {"left": 3, "right": 3})
    gate.open()
    await handler.finished(8)
    lab.equal(handler.most_running, 3, "the most that ran at once", jobs=ids[:4])


@rule("CON-02")
async def test_a_later_registration_never_lowers_the_concurrency(lab: Lab) -> None:
    """3, then 2, then none given, then 1: the maximum holds, and on this queue alone."""
    queue, other, gate = await lab.queue(), await lab.queue(), lab.gate()
    handler = lab.handler(gate=gate)
    manager = await queue.work(handler, name="a", concurrency=3)
    await queue.work(handler, name="b", concurrency=2)
    await queue.work(handler, name="c")
    await queue.work(handler, name="d", concurrency=1)
    await other.work(handler, name="a")
    ids = [await queue.add(name=name) for name in "abcdab"]
    await handler.started(3)
    await lab.canary()
    lab.equal(handler.running, 3, "handlers running after registrations with 3, 2, none and 1", jobs=ids)
    await _reports(lab, manager, queue, {"a": 3, "b": 3, "c": 3, "d": 3})
    await _reports(lab, manager, other, {"a": 1})
    gate.open()
    await handler.finished(6)


@rule("CON-03")
@given(
    drawn=st.integers(max_value=0)
    | st.floats().filter(lambda number: not number.is_integer())
    | st.text(max_size=5)
)
@example(drawn=0)
@example(drawn=-1)
@example(drawn=False)
@example(drawn=0.5)
@example(drawn=2.5)
@example(drawn=math.nan)
@example(drawn=math.inf)
@example(drawn="2")
@example(drawn=[1])
@examples(10)
async def test_a_concurrency_that_is_no_number_of_slots_is_refused(lab: Lab, drawn: Any) -> None:
    """For the first registration of a queue and for a later one; neither leaves a trace."""
    good, fresh = await lab.queue(f"good{next(_numbers)}"), await lab.queue(f"fresh{next(_numbers)}")
    manager = await good.work(lab.handler(), concurrency=2)
    await _reports(lab, manager, good, {"job": 2})
    for queue, name in ((fresh, "job"), (good, "other"), (good, "job")):
        call = queue.work(lab.handler(), name=name, manager=manager, concurrency=drawn)
        await lab.raises(call, f"register_worker with concurrency={drawn!r}")
    for queue, name in ((fresh, "job"), (good, "other")):
        seen = await manager.get_worker(queue.name, name)
        lab.equal(seen, None, f"get_worker of what was refused for its concurrency of {drawn!r}")
    await _reports(lab, manager, good, {"job": 2})


@rule("CON-03")
async def test_other_options_that_make_no_sense_are_refused(lab: Lab) -> None:
    """Times and counts below zero, fractions and text, unknown runtimes, and a handler that is none."""
    queue, manager = await lab.queue(), await lab.manager()
    numbers = ("lock_duration_ms", "max_stalled_count", "drain_delay_ms", "timeout_ms")
    wrong: list[dict[str, Any]] = [{name: value} for name in numbers for value in (-1, 0.5, "5", True)]
    for opts in [*wrong, {"runtime": "nowhere"}, {"runtime": None}, {"autorun": "yes"}]:
        await lab.raises(queue.work(lab.handler(), manager=manager, **opts), f"register_worker with {opts}")
        lab.equal(
            await manager.get_worker(queue.name, "job"), None, f"get_worker of what was refused for {opts}"
        )
    for handler in (None, "handler"):
        await lab.raises(queue.work(handler, manager=manager), f"register_worker of the handler {handler!r}")
        lab.equal(await manager.get_worker(queue.name, "job"), None, f"get_worker of the handler {handler!r}")


@rule("CON-07")
@pytest.mark.parametrize("drain_delay_ms", [100, 5_000, 60_000])
async def test_an_idle_worker_starts_a_new_job_at_once(lab: Lab, drain_delay_ms: int) -> None:
    """Five times it has run dry, with a drain delay that is short, usual and long."""
    queue = await lab.queue()
    handler = await queue.handled(drain_delay_ms=drain_delay_ms)
    for number in range(1, 6):
        await lab.canary(1)
        id = await queue.add_marked(number)
        await handler.started(number)
        await queue.reaches(id[0], "completed")


@rule("CON-07")
async def test_idle_workers_do_not_spin(lab: Lab) -> None:
    """Two workers have nothing to do while a third waits for a delayed job: the process hardly computes."""
    if not lab.can_see("how much its process computes"):
        return
    idle, waiting = await lab.queue(), await lab.queue()
    first, handler = await idle.handled(concurrency=4), await waiting.handled()
    await idle.add("work before the idleness")
    await first.finished(1)
    shares = []
    for number in range(1, 4):
        await waiting.add({"n": number}, delay=IDLE_MS)
        wall, cpu = time.monotonic(), time.process_time()
        await handler.finished(number)
        shares.append((time.process_time() - cpu) / (time.monotonic() - wall))
    # The smallest share, so that a garbage collection does not count. Other processes don't
    # raise it, however busy they keep the machine; and who spins gets more than this even of two
    # processors that ten others want as well.
    lab.check(
        min(shares) < MOST_IDLE_SHARE,
        f"of the time in which all workers are idle, this process computes less than {MOST_IDLE_SHARE:.0%}",
        f"it computed {', '.join(f'{share:.0%}' for share in shares)} in three periods of {IDLE_MS} ms",
    )


async def _reports(lab: Lab, manager: ManagerUnderTest, queue: Queue, wanted: dict[str, int]) -> None:
    """``get_worker`` tells these concurrencies, by name."""
    infos = {name: await manager.get_worker(queue.name, name) for name in wanted}
    told = {name: getattr(info, "concurrency", None) for name, info in infos.items()}
    lab.equal(told, wanted, f"get_worker().concurrency by job name, of {queue.name}")
