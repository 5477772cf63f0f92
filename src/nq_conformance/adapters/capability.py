"""Capabilities: what an adapter may claim beyond what every adapter must do.

A rule that needs one is run only where it is claimed; a claim that no rule could put to
the test fails the run (nothing is green by default).
"""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """A claim, by the name that adapters, rules and reports use for it."""

    DURABLE = "durable"
    """Jobs, pause and schedules outlive the process (rules flagged d)."""
    DISTRIBUTED = "distributed"
    """Several processes work on the same queues (rules flagged p)."""
    DISTRIBUTED_EVENTS = "distributed_events"
    """Queue events reach subscribers in other processes (EVT-12)."""
    CRON = "cron"
    """``schedule`` takes ``cron`` and ``repeat`` (SCH-08 to SCH-13)."""
    CRON_SECONDS = "cron_seconds"
    """Patterns may have six fields, seconds first; the suite then need not wait for minutes."""
    ENQUEUE_MANY = "enqueue_many"
    REMOVE_JOB = "remove_job"
    GET_SCHEDULED_JOBS = "get_scheduled_jobs"
    REMOVE_SCHEDULED_JOB = "remove_scheduled_job"
    START_WORKER = "start_worker"
    """The manager has ``start_worker``; without it, ``resume`` starts (question 5)."""
    PYTHON_RUNTIME = "python_runtime"
    """``runtime="python"``: handlers in Python child processes (RPC-*)."""
    NODE_RUNTIME = "node_runtime"
    """``runtime="node-isolated"``: handlers in Node child processes (RPC-*)."""
