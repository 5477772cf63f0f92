"""An App opens, registers, starts and closes everything that its configuration asks for, in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from flow_tools import Values, until

from nq_conformance.contract import ClosedError, Job, JobInput, RunContext, WorkerOptions
from nq_reference.app import App
from nq_reference.config import ConfigError

pytest_plugins = ["flow_tools"]
pytestmark = pytest.mark.anyio

HEAD = "import anyio\nfrom nq_reference.worker import define_config\n"
FIRST = (
    HEAD
    + """
config = define_config(
    runtime="in-process", flow={"name": "sum", "role": "entry", "emits": ["added"]}, attempts=2
)

async def handler(data, ctx):
    total = sum(data["numbers"])
    await ctx.state.set("total", total)
    await ctx.flow.emit("added", {"total": total})
    return total
"""
)
SECOND = (
    HEAD
    + """
config = define_config(
    queue="second", runtime="in-process", flow={"name": "sum", "subscribes": ["added"]}, attempts=3
)

async def handler(data, ctx):
    return [data["total"], await ctx.state.get("total"), data["flow_name"]]
"""
)
SLOW = (
    HEAD
    + """
config = define_config(queue="slow", runtime="in-process")

async def handler(data, ctx):
    await ctx.state.set("begun", True)
    await anyio.sleep(0.2)
    await ctx.state.set("ended", True)
    return "done"
"""
)


@pytest.fixture
def anyio_backend() -> str:
    """The clients of servers run on asyncio alone."""
    return "asyncio"


@pytest.fixture
def queues(tmp_path: Path) -> Path:
    """A folder of workers."""
    folder = tmp_path / "queues"
    (folder / "flow").mkdir(parents=True)
    (folder / "flow" / "first.py").write_text(FIRST)
    (folder / "flow" / "second.py").write_text(SECOND)
    (folder / "slow.py").write_text(SLOW)
    return folder


async def ended(app: App, queue: str) -> Job:
    """The one job of a queue, once it has ended."""

    async def ask() -> Job | None:
        jobs = await app.provider.get_jobs(queue)
        return jobs[0] if jobs and jobs[0].state in ("completed", "failed") else None

    return await until(ask, f"the job of {queue} ends")


@pytest.mark.parametrize(
    "adapter_values", ["memory", "file", "sqlite", "redis", "postgres", "bullmq"], indirect=True
)
async def test_a_flow_runs_from_its_entry_over_a_trigger_to_its_end(
    queues: Path, adapter_values: Values
) -> None:
    """State is shared on the way, the next step has the attempts of its configuration, and the history
    has all of it."""
    async with App.from_config({**adapter_values, "queues": queues}) as app:
        flow_id = await app.flow.start("sum", {"numbers": [1, 2, 3]})
        job = await ended(app, "second")
        assert job.return_value == [6, 6, "sum"]
        assert job.opts.attempts == 3
        history = await app.events.history(flow_id)
    told = [(event.type, event.step_name) for event in history if event.step_name == "first"]
    assert told == [("step.started", "first"), ("emit", "first"), ("step.completed", "first")]
    assert ("step.started", "second") in [(event.type, event.step_name) for event in history]


async def test_closing_lets_handlers_end_with_all_that_they_use(
    queues: Path, adapter_values: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the state is about to be closed, the handler has ended with its help."""
    app = App.from_config({**adapter_values, "queues": queues})
    seen: list[object] = []
    close = app.state.close

    async def closing() -> None:
        seen.append(await app.state.get("f:ended"))
        await close()

    async def begun() -> bool:
        return bool(await app.state.get("f:begun"))

    monkeypatch.setattr(app.state, "close", closing)
    async with app:
        await app.provider.enqueue("slow", JobInput("slow", {"flow_id": "f"}))
        await until(begun, "the handler begins")
    assert seen == [True]


async def test_start_and_close_are_idempotent_also_at_once(queues: Path) -> None:
    """And after a close there is no start."""
    app = App.from_config({"queues": queues})
    async with anyio.create_task_group() as group:
        group.start_soon(app.start)
        group.start_soon(app.start)
    async with anyio.create_task_group() as group:
        group.start_soon(app.close)
        group.start_soon(app.close)
    await app.close()
    with pytest.raises(ClosedError, match="this App is closed"):
        await app.start()


async def test_a_failed_start_closes_what_was_opened(queues: Path) -> None:
    """A handler that can't be imported, after the provider was opened."""
    (queues / "broken.py").write_text(
        "raise RuntimeError('at import')\n" + SLOW.replace('"slow"', '"broken"')
    )
    app = App.from_config({"queues": queues})
    with pytest.raises(ConfigError, match=r"broken.py: importing it failed: RuntimeError\('at import'\)"):
        await app.start()
    for call in (app.provider.get_job_counts("slow"), app.state.get("f:key"), app.events.history("f")):
        with pytest.raises(ClosedError):
            await call


async def test_no_job_meets_a_queue_whose_handlers_are_not_all_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs wait already, the last one's handler comes first, and others get their turn in between."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(5):
        (folder / f"job{number}.py").write_text(SLOW.replace('queue="slow", ', "").replace("0.2", "0"))
    app = App.from_config({"queues": tmp_path})
    register = app.manager.register_worker

    async def register_slowly(*args: Any) -> None:
        await register(*args)
        await anyio.wait_all_tasks_blocked()

    monkeypatch.setattr(app.manager, "register_worker", register_slowly)
    for number in reversed(range(5)):
        await app.provider.enqueue("many", JobInput(f"job{number}"))

    async def done() -> bool:
        counts = await app.provider.get_job_counts("many")
        return bool(counts.completed + counts.failed == 5)

    async with app:
        await until(done, "all jobs end")
        assert (await app.provider.get_job_counts("many")).failed == 0


async def test_what_is_registered_is_told_with_autorun_as_it_was_given(queues: Path) -> None:
    """Though nothing is started before all is registered; none of them is another's."""
    (queues / "later.py").write_text(SLOW.replace('queue="slow"', 'queue="slow", worker={"autorun": False}'))
    app = App.from_config({"queues": queues})
    await app.open()
    async with app:
        for name, autorun in (("slow", True), ("later", False)):
            info = app.manager.get_worker("slow", name)
            assert info is not None
            assert (info.job_name, info.autorun) == (name, autorun)


async def test_a_handler_that_is_replaced_before_the_start_stays_so(queues: Path) -> None:
    """As with a stand-in for a test."""
    app = App.from_config({"queues": queues})
    await app.open()

    async def stand_in(data: Any, ctx: RunContext) -> str:
        return "of the stand-in"

    await app.manager.register_worker("slow", "slow", stand_in, WorkerOptions(autorun=False))
    async with app:
        await app.provider.enqueue("slow", JobInput("slow"))
        assert (await ended(app, "slow")).return_value == "of the stand-in"


async def test_a_worker_without_autorun_is_registered_and_not_started(tmp_path: Path) -> None:
    """Resuming its queue starts it."""
    (tmp_path / "later.py").write_text(
        SLOW.replace('queue="slow", ', 'queue="later", worker={"autorun": False}, ')
    )
    async with App.from_config({"queues": tmp_path}) as app:
        assert app.manager.get_worker("later", "later") is not None
        id = await app.provider.enqueue("later", JobInput("later"))
        job = await app.provider.get_job("later", id)
        assert job is not None
        assert job.state == "waiting"
        await app.provider.resume("later")
        assert (await ended(app, "later")).state == "completed"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def handler(data, ctx): ...", "a handler in this process must be `async def`"),
        ("handler = 3", "no handler; define `async def handler"),
    ],
)
async def test_a_handler_that_cannot_run_here_is_refused(tmp_path: Path, body: str, message: str) -> None:
    """With what to do."""
    (tmp_path / "bad.py").write_text(f"{HEAD}config = define_config(runtime='in-process')\n{body}\n")
    with pytest.raises(ConfigError, match=message):
        await App.from_config({"queues": tmp_path}).start()


async def test_a_toml_file_configures_it(queues: Path, tmp_path: Path) -> None:
    """The folder of the workers is relative to the file."""
    file = tmp_path / "nq.toml"
    file.write_text('adapter = "sqlite"\npath = "jobs.sqlite3"\nqueues = "queues"\n')
    app = App.from_config(file)
    assert {worker.queue for worker in app.workers} == {"flow", "second", "slow"}
    assert app.config.queues == queues


@pytest.mark.parametrize(
    ("text", "message"), [("queues = ", "nq.toml is no TOML"), ("queues = 3", "queues must be a path, not 3")]
)
def test_a_toml_file_that_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    """As what it is."""
    (tmp_path / "nq.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        App.from_config(tmp_path / "nq.toml")


@pytest.mark.parametrize("anyio_backend", ["trio"])
@pytest.mark.parametrize("adapter_values", ["memory", "file", "sqlite"], indirect=True)
async def test_it_runs_on_trio_where_its_adapter_does(queues: Path, adapter_values: Values) -> None:
    """State, events and flow as well."""
    async with App.from_config({**adapter_values, "queues": queues}) as app:
        flow_id = await app.flow.start("sum", {"numbers": [1]})
        assert (await ended(app, "second")).return_value == [1, 1, "sum"]
        assert len(await app.events.history(flow_id)) >= 4
