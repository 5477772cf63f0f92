"""One module for each system that is measured; each has a class ``Measured``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.figures import Backend


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a system is: its module (or Node script) and the environment that it runs in."""

    id: str
    title: str
    backend: Backend
    environment: str
    distributions: Sequence[str] = ()


SYSTEMS = (
    Entry("nq_redis", "nq_reference", "redis", "python"),
    Entry("bullmq_node", "bullmq (Node)", "redis", "node", ("bullmq",)),
    Entry("bullmq_python", "bullmq (Python)", "redis", "python", ("bullmq",)),
    Entry("saq_redis", "saq", "redis", "python", ("saq",)),
    Entry("arq_redis", "arq", "redis", "arq", ("arq",)),
    Entry("dramatiq_redis", "dramatiq", "redis", "python", ("dramatiq",)),
    Entry("taskiq_redis", "taskiq-redis", "redis", "python", ("taskiq", "taskiq-redis")),
    Entry("huey_redis", "huey", "redis", "python", ("huey",)),
    Entry("bare_redis", "*bare client*", "redis", "python", ("redis",)),
    Entry("nq_memory", "nq_reference", "memory", "python"),
    Entry("taskiq_memory", "taskiq", "memory", "python", ("taskiq",)),
    Entry("huey_memory", "huey", "memory", "python", ("huey",)),
    Entry("bare_memory", "*asyncio.Queue*", "memory", "python"),
)
OURS = {"redis": "nq_redis", "memory": "nq_memory"}
