"""The flows that a folder of workers has."""

from __future__ import annotations

from collections.abc import Iterable

from nq_reference.config import unknown
from nq_reference.flow import FlowStep
from nq_reference.registry.worker import FoundWorker


def flow_steps(workers: Iterable[FoundWorker]) -> list[FlowStep]:
    """The steps of all flows that ``workers`` are part of."""
    return [
        FlowStep(
            worker.queue,
            worker.job_name,
            worker.flow.name,
            tuple(worker.flow.subscribes),
            entry=worker.flow.role == "entry",
            attempts=worker.attempts,
        )
        for worker in workers
        if worker.flow is not None
    ]


def loose_triggers(workers: Iterable[FoundWorker]) -> list[str]:
    """A sentence for each trigger that is subscribed to and that no worker says it emits: a typing
    error, or emitted from outside the folder."""
    steps = [(worker, worker.flow) for worker in workers if worker.flow is not None]
    emitted = {trigger for _, flow in steps for trigger in flow.emits}
    return [
        f"{worker.place}: subscribes to a trigger that no worker here emits: "
        f"{unknown('trigger', trigger, emitted)}"
        for worker, flow in steps
        for trigger in flow.subscribes
        if trigger not in emitted
    ]
