"""WorkerManager: registers handlers and runs workers (seed sections 1 to 3).

One worker per queue, however many handlers it has: a dispatcher picks the handler by the
job's exact name (DSP-01).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from nq_conformance.contract.context import RunContext

WorkerHandler: TypeAlias = Callable[[Any, RunContext], Awaitable[Any]]
ChildHandler: TypeAlias = str
"""Where the handler of a child process is found: the path of a script (``*.py`` for ``python``;
``*.mjs``, ``*.js``, ``*.cjs`` for ``node-isolated``) or, in Python, ``module:function``."""
Runtime: TypeAlias = Literal["in-process", "python", "node-isolated"]

RUNTIME_ALIASES: dict[str, Runtime] = {"node": "in-process"}
"""The seed's ``node`` means 'in the manager's own process'."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a queue's worker behaves; milliseconds throughout.

    - ``concurrency``: how many handlers may run at once; over several registrations the
      maximum holds (CON-01, CON-02).
    - ``lock_duration_ms``: how long a claimed job is protected without renewal.
    - ``max_stalled_count``: how many stalls a job survives (STL-04).
    - ``drain_delay_ms``: how long an idle worker waits at most before it looks again (CON-07).
    - ``autorun``: ``False`` registers without starting; ``start_worker`` or ``resume`` starts
      (DSP-07).
    - ``prefix``: the namespace, where it is not the provider's own (LIFE-09).
    - ``runtime``: ``in-process`` calls a handler of this process; ``python`` and
      ``node-isolated`` run a ``ChildHandler`` in a child process (RPC-01).
    - ``timeout_ms``: for each attempt, unless the job says otherwise.
    """

    concurrency: int = 1
    lock_duration_ms: int = 30_000
    max_stalled_count: int = 1
    drain_delay_ms: int = 5_000
    autorun: bool = True
    prefix: str | None = None
    runtime: Runtime = "in-process"
    timeout_ms: int | None = None


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What is registered for one job name; ``autorun`` is the option as given (question 5)."""

    queue_name: str
    job_name: str
    handler: WorkerHandler | ChildHandler
    runtime: Runtime
    concurrency: int
    autorun: bool


@runtime_checkable
class WorkerManager(Protocol):
    """Runs the handlers of queues that a ``QueueProvider`` manages."""

    async def register_worker(
        self,
        queue_name: str,
        job_name: str,
        handler: WorkerHandler | ChildHandler,
        opts: WorkerOptions | None = None,
    ) -> None:
        """Have ``handler`` called as ``handler(data, ctx)`` for jobs of this name.

        A second registration on the queue joins its worker; the same name again replaces the
        handler (DSP-05). Raises for concurrency below 1 and other bad options (CON-03), and for
        a handler that is not of the options' runtime: a callable in process, else a path or name.
        """

    def get_worker(self, queue_name: str, job_name: str) -> WorkerInfo | None:
        """What is registered under exactly these names, or ``None``."""
        ...

    async def close_all(self) -> None:
        """Stop claiming, let running handlers end, record their results; the backlog stays
        (LIFE-05, LIFE-06). Bounded in time, idempotent."""


class StartableWorkerManager(WorkerManager, Protocol):
    """A manager with the optional ``start_worker``."""

    async def start_worker(self, queue_name: str) -> None:
        """Start a worker that was registered with ``autorun=False``."""
