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


async def many_to_page_through(lab: Lab, queue: Queue) -> dict[str, str]:
    """Jobs in every state as above and a row of others, made as fast as can be: id → state.

    Made once for a queue, so that all examples of one test look at the same.
    """
    if not await queue.list():
        scene = await one_in_each_state(lab, queue)
        for number in range(18):
            delay = 60_000 if number % 3 == 2 else 0
            id = await queue.add(priority=number % 2, delay=delay)
            await queue.job(id)
            scene[id] = "delayed" if delay else "waiting"
        return scene
    return {job.id: job.state for job in await queue.list()}
