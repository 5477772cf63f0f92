"""Situations that several rules look at."""

from __future__ import annotations

from nq_conformance.lab import Lab, Queue


async def one_in_each_state(lab: Lab, queue: Queue) -> dict[str, str]:
    """Jobs in every state that the adapter can show with nothing running: id → state.

    Two waiting, one of them with a priority, and two delayed; where the adapter has
    workers, one completed and one failed as well.
    """
    scene: dict[str, str] = {}
    if lab.adapter.has_workers:
        manager = await lab.new_manager()
        await queue.work(lab.handler(), name="good", manager=manager)
        await queue.work(lab.failing(), name="bad", manager=manager)
        good, bad = await queue.add(name="good"), await queue.add(name="bad")
        await queue.reaches(good, "completed")
        await queue.reaches(bad, "failed")
        await manager.close_all()
        scene |= {good: "completed", bad: "failed"}
    for priority in (0, 3):
        scene[await queue.add(priority=priority)] = "waiting"
    for delay in (60_000, 120_000):
        scene[await queue.add(delay=delay)] = "delayed"
    return scene
