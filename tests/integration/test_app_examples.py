"""The examples run from their folder, on Redis and on Postgres: three runtimes, and events in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from flow_tools import Values, until

from nq_conformance.contract import Job, JobInput, StepEvent
from nq_reference.app import App

pytest_plugins = ["flow_tools"]
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.needs_node,
    pytest.mark.parametrize("adapter_values", ["redis", "postgres"], indirect=True),
]

QUEUES = Path(__file__).parents[2] / "examples" / "queues"
WHOLE = ["step.started", "emit", "step.completed"]


@pytest.fixture
def anyio_backend() -> str:
    """The clients of servers run on asyncio alone."""
    return "asyncio"


@pytest.fixture
async def app(adapter_values: Values) -> AsyncIterator[App]:
    """The examples, running."""
    async with App.from_config({**adapter_values, "queues": QUEUES}) as started:
        yield started


async def ended(app: App, queue: str, name: str) -> Job:
    """The one job of this name, once it has ended."""

    async def ask() -> Job | None:
        jobs = [job for job in await app.provider.get_jobs(queue) if job.name == name]
        return jobs[0] if jobs and jobs[0].state in ("completed", "failed") else None

    return await until(ask, f"the job {name} of {queue} ends")


def of_step(history: Sequence[StepEvent], step: str) -> list[str]:
    """The types of a step's events."""
    return [event.type for event in history if event.step_name == step]


def place(history: Sequence[StepEvent], type: str, step: str) -> int:
    """Where an event stands in the history."""
    return next(at for at, event in enumerate(history) if (event.type, event.step_name) == (type, step))


async def test_hello_greets_from_a_node_process(app: App) -> None:
    """A job by itself, whose flow is its own."""
    id = await app.provider.enqueue("hello", JobInput("hello", {"name": "Ada", "flow_id": "greeting"}))
    job = await ended(app, "hello", "hello")
    assert (job.id, job.state, job.return_value) == (id, "completed", {"greeting": "Hello, Ada!"})
    history = await app.events.history("greeting")
    assert [event.type for event in history] == ["step.started", "log", "step.completed"]
    assert history[1].data["message"] == "greeting Ada"


async def test_the_example_flow_goes_from_its_first_step_to_its_second(app: App) -> None:
    """State and payload arrive; a subscriber hears what the history has, in its order."""
    heard: list[StepEvent] = []
    await app.events.subscribe(heard.append)
    flow_id = await app.flow.start("example", {"value": 21})
    second = await ended(app, "example", "second_step")
    assert (second.state, second.return_value) == ("completed", {"given": 21, "value": 42})
    history = await _whole(app, flow_id, 5)
    assert of_step(history, "first_step") == WHOLE
    assert of_step(history, "second_step") == ["step.started", "step.completed"]
    assert place(history, "emit", "first_step") < place(history, "step.started", "second_step")
    assert {event.flow_name for event in history} == {"example"}

    async def all_heard() -> bool:
        return len(heard) == 5

    await until(all_heard, "the subscriber hears all events")
    assert heard == history


async def test_the_ml_flow_goes_through_three_runtimes(app: App) -> None:
    """A Python process trains, this process evaluates, a Node process publishes."""
    flow_id = await app.flow.start("ml-flow", {"points": [[0, 1], [1, 3], [2, 5]]})
    published = await ended(app, "published", "publish_model")
    assert published.return_value == {"formula": "y = 2 x + 1", "error": 0}
    evaluated = await ended(app, "ml-flow", "evaluate_model")
    assert evaluated.opts.attempts == 3
    assert await app.state.get(f"{flow_id}:model") == {"slope": 2.0, "intercept": 1.0}
    history = await _whole(app, flow_id, 9)
    assert of_step(history, "train_model") == ["step.started", "log", "emit", "step.completed"]
    assert of_step(history, "evaluate_model") == WHOLE
    assert of_step(history, "publish_model") == ["step.started", "step.completed"]
    assert place(history, "emit", "train_model") < place(history, "step.started", "evaluate_model")
    assert place(history, "emit", "evaluate_model") < place(history, "step.started", "publish_model")


async def test_a_model_that_is_no_good_is_not_published(app: App) -> None:
    """The trigger is not emitted, so the flow ends there."""
    flow_id = await app.flow.start("ml-flow", {"points": [[0, 0], [1, 9], [2, 0]]})
    evaluated = await ended(app, "ml-flow", "evaluate_model")
    assert evaluated.return_value == {"error": 6.0}
    history = await _whole(app, flow_id, 6)
    assert of_step(history, "evaluate_model") == ["step.started", "step.completed"]
    assert (await app.provider.get_job_counts("published")).waiting == 0


async def _whole(app: App, flow_id: str, count: int) -> Sequence[StepEvent]:
    """A flow's history, once it has ``count`` events: the last ones may be told after their job has ended."""

    async def ask() -> Sequence[StepEvent] | None:
        history = await app.events.history(flow_id)
        return history if len(history) >= count else None

    history = await until(ask, f"{count} events of the flow {flow_id}")
    assert len(history) == count
    return history
