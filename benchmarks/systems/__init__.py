"""One module for each system that is measured; each has a class ``Measured``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.figures import Backend


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a system is: its module (or Node script) and the environment that it runs in.

    ``against``: which of ours it is compared with, where that is not ``OURS`` of its backend.
    ``share``: how much of the usual number of jobs it takes, so that slow ones end in time.
    """

    id: str
    title: str
    backend: Backend
    environment: str
    distributions: Sequence[str] = ()
    against: str = ""
    share: float = 1.0

    @property
    def is_ours(self) -> bool:
        """Whether it is one of this project's adapters."""
        return self.id.startswith("nq_")

    @property
    def rival(self) -> str:
        """The id of the system that it is compared with."""
        return self.against or OURS[self.backend]


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
    Entry("nq_postgres", "nq_reference", "postgres", "python"),
    Entry("pgboss_node", "pg-boss (Node)", "postgres", "node", ("pg-boss",)),
    Entry("graphile_node", "graphile-worker (Node)", "postgres", "node", ("graphile-worker",)),
    Entry("pgqueuer_postgres", "pgqueuer", "postgres", "postgres", ("pgqueuer",)),
    Entry("saq_postgres", "saq", "postgres", "python", ("saq",), share=0.3),
    Entry("procrastinate_postgres", "procrastinate", "postgres", "postgres", ("procrastinate",), share=0.2),
    Entry("bare_postgres", "*bare asyncpg*", "postgres", "python", ("asyncpg",)),
    Entry("nq_sqlite", "nq_reference, full", "sqlite", "python"),
    Entry("huey_sqlite", "huey, full", "sqlite", "python", ("huey",)),
    Entry("persistqueue_sqlite", "persist-queue, full", "sqlite", "python", ("persist-queue",)),
    Entry("bare_sqlite", "*bare commits, full*", "sqlite", "python"),
    Entry("nq_sqlite_normal", "nq_reference, normal", "sqlite", "python"),
    Entry("litequeue_sqlite", "litequeue, normal", "sqlite", "python", ("litequeue",), "nq_sqlite_normal"),
    Entry("bare_sqlite_normal", "*bare commits, normal*", "sqlite", "python", (), "nq_sqlite_normal"),
    Entry("nq_file", "nq_reference, always", "file", "python"),
    Entry("bare_file", "*bare append, fdatasync*", "file", "python"),
    Entry("nq_file_never", "nq_reference, never", "file", "python"),
    Entry("huey_file", "huey, never", "file", "python", ("huey",), "nq_file_never", share=0.4),
    Entry("nq_memory", "nq_reference", "memory", "python"),
    Entry("taskiq_memory", "taskiq", "memory", "python", ("taskiq",)),
    Entry("huey_memory", "huey", "memory", "python", ("huey",)),
    Entry("bare_memory", "*asyncio.Queue*", "memory", "python"),
)
OURS: dict[Backend, str] = {
    "redis": "nq_redis",
    "postgres": "nq_postgres",
    "sqlite": "nq_sqlite",
    "file": "nq_file",
    "memory": "nq_memory",
}
