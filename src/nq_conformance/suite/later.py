"""Waiting until time has passed, without sleeping: by a delayed job elsewhere."""

from __future__ import annotations

from nq_conformance.lab import Lab


async def let_fall_due(lab: Lab, ms: int) -> None:
    """Return once what is due in ``ms`` milliseconds or less has had its chance to start.

    A job with that delay, on a queue of its own, has run by then, and so have some jobs
    after it: so much time has passed by the adapter's own clock, and its workers are at work.
    """
    queue = await lab.queue()
    handler = await queue.handled()
    await queue.add({"n": "control"}, delay=ms)
    await handler.finished(1)
    await lab.canary()
