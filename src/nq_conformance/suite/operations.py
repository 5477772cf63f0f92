"""The optional operations of a provider, called as all others are: within a budget, and recorded."""

from __future__ import annotations

from typing import Any

from nq_conformance.lab import Lab, Queue


async def operate(lab: Lab, queue: Queue, name: str, *args: Any) -> Any:
    """Call the operation, which the adapter declares, on ``queue``; what it raises is recorded and raised."""
    call = getattr(queue.provider.raw, name)
    text = ", ".join(map(repr, args))[:100]
    try:
        result = await lab.clock.call(lambda: call(queue.name, *args), f"{name}({text})")
    except Exception as error:
        lab.history.add("call", name, queue=queue.name, text=f"{text} !! {error!r}")
        raise
    lab.history.add("call", name, queue=queue.name, text=f"{text} -> {result!r}", data=result)
    return result
