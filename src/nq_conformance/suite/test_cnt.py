"""CNT: counts."""

from __future__ import annotations

from nq_conformance.contract import JOB_STATES
from nq_conformance.lab import Lab
from nq_conformance.suite.rules import rule
from nq_conformance.suite.scenes import one_in_each_state


@rule("CNT-01")
async def test_counts_have_all_six_keys_and_are_zero_for_an_unknown_queue(lab: Lab) -> None:
    """Six ints, all zero; then one job, and one of them is one."""
    queue = await lab.queue()
    counts = await queue.counts()
    for state in JOB_STATES:
        n = getattr(counts, state, "missing")
        lab.check(type(n) is int and n == 0, f"counts.{state} of an unknown queue is 0", repr(n))
    await queue.add()
    counts = await queue.counts()
    total = [getattr(counts, state, None) for state in JOB_STATES]
    lab.check(sorted(total, key=repr) == [0, 0, 0, 0, 0, 1], "one job is counted once", repr(counts))


@rule("CNT-02")
async def test_counts_agree_with_lists(lab: Lab) -> None:
    """With jobs in every state at rest, each count is the length of that state's list."""
    queue = await lab.queue()
    scene = await one_in_each_state(lab, queue)
    counts = await queue.counts()
    for state in JOB_STATES:
        listed = len(await queue.list(state=[state]))
        lab.equal(
            getattr(counts, state), listed, f"counts.{state}, as many as get_jobs lists", jobs=list(scene)
        )
    lab.equal(sum(getattr(counts, s) for s in JOB_STATES), len(scene), "the sum of all counts")
