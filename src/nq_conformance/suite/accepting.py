"""Input that an adapter may take or refuse, and the shapes of shared data."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from nq_conformance.adapters import Capability
from nq_conformance.lab import Lab, Queue
from nq_conformance.suite.operations import operate
from nq_conformance.violation import Inconclusive, Violation

T = TypeVar("T")


async def accepted(call: Awaitable[T]) -> T | None:
    """What the call returned, or ``None`` where it raised: then the input was refused."""
    try:
        return await call
    except (Violation, Inconclusive):
        raise
    except Exception:
        return None


def shares_data(lab: Lab) -> bool:
    """Whether two providers of one setting see the same jobs."""
    return lab.claims(Capability.DURABLE) or lab.claims(Capability.DISTRIBUTED)


async def remove_job(lab: Lab, queue: Queue, id: str) -> bool:
    """Call the optional ``remove_job``."""
    removed: bool = await operate(lab, queue, "remove_job", id)
    return removed
