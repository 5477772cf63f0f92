"""The contract: what every adapter promises, as types. Standard library only.

Objects are matched by their attributes, so that an adapter needs no import from here at
run time. The rules behind the signatures are in ``nq_conformance.requirements``.
"""

from nq_conformance.contract.context import (
    FlowContext,
    FlowEngine,
    LoggerContext,
    RunContext,
    StateContext,
    StateProvider,
)
from nq_conformance.contract.errors import (
    ClosedError,
    InvalidJobError,
    InvalidQueryError,
    InvalidScheduleError,
    InvalidWorkerError,
    QueueError,
    UnrecoverableError,
    UnsupportedError,
)
from nq_conformance.contract.events import (
    QUEUE_EVENTS,
    EventManager,
    QueueCallback,
    QueueEvent,
    ReadyUnsubscribe,
    StepEvent,
    StepEventType,
    Unsubscribe,
)
from nq_conformance.contract.job import (
    JOB_STATES,
    Backoff,
    Job,
    JobCounts,
    JobInput,
    JobOptions,
    JobsQuery,
    JobState,
    JSONValue,
    Repeat,
    ScheduleOptions,
)
from nq_conformance.contract.provider import OptionalOperations, QueueProvider
from nq_conformance.contract.worker import (
    RUNTIME_ALIASES,
    ChildHandler,
    Runtime,
    StartableWorkerManager,
    WorkerHandler,
    WorkerInfo,
    WorkerManager,
    WorkerOptions,
)

__all__ = [
    "JOB_STATES",
    "QUEUE_EVENTS",
    "RUNTIME_ALIASES",
    "Backoff",
    "ChildHandler",
    "ClosedError",
    "EventManager",
    "FlowContext",
    "FlowEngine",
    "InvalidJobError",
    "InvalidQueryError",
    "InvalidScheduleError",
    "InvalidWorkerError",
    "JSONValue",
    "Job",
    "JobCounts",
    "JobInput",
    "JobOptions",
    "JobState",
    "JobsQuery",
    "LoggerContext",
    "OptionalOperations",
    "QueueCallback",
    "QueueError",
    "QueueEvent",
    "QueueProvider",
    "ReadyUnsubscribe",
    "Repeat",
    "RunContext",
    "Runtime",
    "ScheduleOptions",
    "StartableWorkerManager",
    "StateContext",
    "StateProvider",
    "StepEvent",
    "StepEventType",
    "UnrecoverableError",
    "Unsubscribe",
    "UnsupportedError",
    "WorkerHandler",
    "WorkerInfo",
    "WorkerManager",
    "WorkerOptions",
]
