"""Worker processes for queues: started, restarted, scaled with the backlog, drained at the end.

What shares the load between processes and machines is the backend alone: a second pool
with the same command, anywhere, adds capacity.
"""

from nq_reference.pool.events import PoolEvent, PoolEventType
from nq_reference.pool.gauge import QueueGauge
from nq_reference.pool.policy import Decision, Past, Reading, ScalingPolicy, decide
from nq_reference.pool.pool import WorkerPool
from nq_reference.pool.restarts import RestartPolicy

__all__ = [
    "Decision",
    "Past",
    "PoolEvent",
    "PoolEventType",
    "QueueGauge",
    "Reading",
    "RestartPolicy",
    "ScalingPolicy",
    "WorkerPool",
    "decide",
]
