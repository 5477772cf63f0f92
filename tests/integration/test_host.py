"""An adapter in another process: what it is asked, what it calls back, and how it ends."""

from __future__ import annotations

import importlib.resources
import json
import shlex
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nq_conformance import lab as lab_package
from nq_conformance.adapters.errors import TargetError
from nq_conformance.adapters.host import shapes
from nq_conformance.adapters.host.client import HostError, host_command
from nq_conformance.adapters.host.failures import RemoteError
from nq_conformance.adapters.host.lines import UnsendableError
from nq_conformance.adapters.host.peer import PeerGoneError
from nq_conformance.adapters.host.stdio import load_stdio
from nq_conformance.adapters.loading import load_adapter
from nq_conformance.clock import DRAIN
from nq_conformance.contract import JobInput, JobOptions, ScheduleOptions, WorkerInfo, WorkerOptions
from nq_conformance.history import History
from nq_conformance.lab import Lab, Run, make_setting

pytestmark = pytest.mark.anyio
MEMORY = "nq_reference:MemoryProvider"
ECHO = Path(lab_package.__file__).with_name("echo.py")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Both event loops, on both sides."""
    return str(request.param)


def command(script: str) -> list[str]:
    """A host that is a small Python script."""
    return [sys.executable, "-c", script]


def lab_of(target: str, host: list[str]) -> Lab:
    """A lab that starts ``host`` for further processes."""
    history = History()
    return Lab(load_adapter(target), make_setting("nq_host", history=history), history, host_command=host)


@pytest.fixture
async def lab(anyio_backend: str) -> AsyncIterator[Lab]:
    """A lab on the memory adapter."""
    async with lab_of(MEMORY, host_command(MEMORY, None, anyio_backend)) as lab:
        yield lab


async def test_a_hosts_adapter_runs_handlers_in_children_of_its_own(lab: Lab) -> None:
    """A path crosses as it is, and the options with the runtime."""
    host = await lab.host()
    queue = await lab.queue(provider=await host.provider())
    completed = await queue.listen("completed")
    await queue.work(str(ECHO), manager=await host.manager(), runtime="python")
    id = await queue.add({"some_key": [1, None]})
    await completed.heard(1, budget=DRAIN)
    assert completed.payloads == [{"job_id": id, "return_value": {"some_key": [1, None]}}]


async def test_a_hosts_adapter_runs_jobs_with_handlers_of_the_kit(lab: Lab) -> None:
    """Enqueue, attempts, context, events and results cross the process in both directions."""
    host = await lab.host()
    queue = await lab.queue(provider=await host.provider())
    completed = await queue.listen("completed")

    async def body(run: Run) -> Any:
        await run.ctx.state.set("seen", run.number)
        await run.ctx.flow.emit("trigger", {"n": run.number})
        if run.number == 1:
            raise RuntimeError("first attempt")
        return {"snake_case": await run.ctx.state.get("seen"), "attempt": run.ctx.attempt}

    await queue.work(lab.handler(body), manager=await host.manager())
    id = await queue.add({"some_key": [1, None]}, attempts=2)
    await completed.heard(1)
    assert completed.payloads == [{"job_id": id, "return_value": {"snake_case": 2, "attempt": 2}}]
    job = await queue.job(id)
    assert (job.data, job.attempts_made, job.opts) == ({"some_key": [1, None]}, 2, JobOptions(attempts=2))
    assert [event.type for event in lab.bus.of("step.retry", "step.completed")] == [
        "step.retry",
        "step.completed",
    ]
    assert [trigger for trigger, _ in lab.flow.emitted] == ["trigger", "trigger"]


async def test_an_error_in_the_host_keeps_its_name_and_words(lab: Lab) -> None:
    """Rules go by them."""
    provider = await (await lab.host()).provider()
    with pytest.raises(RemoteError, match="must not be empty") as caught:
        await provider.enqueue("queue", JobInput(""))
    assert type(caught.value).__name__ == "InvalidJobError"
    await provider.close()
    with pytest.raises(RemoteError, match="closed"):
        await provider.enqueue("queue", JobInput("job"))


async def test_optional_operations_cross(lab: Lab) -> None:
    """Of jobs and of series; what is listed has fields, as where it comes from."""
    provider: Any = (await (await lab.host()).provider()).raw
    ids = await provider.enqueue_many("queue", [JobInput("a", 1), JobInput("b", {"c": None})])
    assert [job.data for job in await provider.get_jobs("queue")] == [1, {"c": None}]
    assert [await provider.remove_job("queue", id) for id in (ids[0], ids[0])] == [True, False]
    id = await provider.schedule("queue", JobInput("tick"), ScheduleOptions(cron="0 0 1 1 *"))
    [series] = await provider.get_scheduled_jobs("queue")
    assert (series.id, series.name, series.pattern) == (id, "tick", "0 0 1 1 *")
    assert series.next_at % 1_000 == 0
    assert [await provider.remove_scheduled_job("queue", id) for _ in range(2)] == [True, False]
    with pytest.raises(RemoteError, match="name"):
        await provider.enqueue_many("queue", [JobInput("good"), JobInput("")])


async def test_what_is_registered_in_a_host_is_told(lab: Lab) -> None:
    """With the handler that it was: the kit's own, or the path of a child's."""
    host = await lab.host()
    queue, manager = await lab.queue(provider=await host.provider()), await host.manager()
    handler = lab.handler()
    await queue.work(handler, name="here", manager=manager, concurrency=2)
    await queue.work(str(ECHO), name="child", manager=manager, runtime="python", autorun=False)
    here, child = [await manager.get_worker(queue.name, name) for name in ("here", "child")]
    assert here == WorkerInfo(queue.name, "here", handler, "in-process", 2, autorun=True)
    assert child == WorkerInfo(queue.name, "child", str(ECHO), "python", 2, autorun=False)
    assert await manager.get_worker(queue.name, "other") is None


async def test_a_handler_that_is_none_is_refused_by_the_adapter(lab: Lab) -> None:
    """It is asked."""
    host = await lab.host()
    queue = await lab.queue(provider=await host.provider())
    with pytest.raises(RemoteError, match="handler"):
        await queue.work(None, manager=await host.manager())


async def test_text_with_half_a_surrogate_pair_reaches_the_adapter(lab: Lab) -> None:
    """As an id it is that of no job, and a payload is refused by the adapter, not by the kit."""
    provider = await (await lab.host()).provider()
    assert await provider.get_job("queue", "\ud800") is None
    with pytest.raises(RemoteError, match="lone surrogate"):
        await provider.enqueue("queue", JobInput("job", {"half": "\ud83d"}))
    assert lab.notes == []


async def test_what_json_has_no_form_for_is_left_out_and_noted_once(lab: Lab) -> None:
    """Never sent as something else."""
    provider = await (await lab.host()).provider()
    unfit: list[Any] = [{1, 2}, [{3, 4}], {"a": float("nan")}]
    for data in unfit:
        with pytest.raises(UnsendableError):
            await provider.enqueue("queue", JobInput("job", data))
    assert await provider.get_jobs("queue") == []
    kinds = ("a value of type set", "NaN or an infinite number")
    assert lab.notes == [f"left out, as the adapter is in another process: {kind}" for kind in kinds]


async def test_an_error_whose_text_is_no_unicode_crosses_all_the_same(lab: Lab) -> None:
    """The protocol is UTF-8, which has no half surrogate pairs."""
    host = await lab.host()
    queue = await lab.queue(provider=await host.provider())
    await queue.work(lab.failing("half \ud83d a pair"), manager=await host.manager())
    job = await queue.reaches(await queue.add(), "failed")
    assert job.failed_reason == "half ? a pair"


async def test_a_handler_is_cancelled_with_its_attempt(lab: Lab) -> None:
    """The adapter's timeout reaches the handler, wherever it runs."""
    host, gate = await lab.host(), lab.gate()
    queue = await lab.queue(provider=await host.provider())
    handler = lab.handler(gate=gate)
    await queue.work(handler, manager=await host.manager(), timeout_ms=100)
    id = await queue.add()
    await handler.finished(1)
    assert handler.runs[0].error is not None
    await queue.reaches(id, "failed")


async def test_an_adapter_that_is_a_command_has_a_process_for_each_place(
    anyio_backend: str, tmp_path: Path
) -> None:
    """Another address of the same backend is another place: a fault may lie between."""
    starts = tmp_path / "starts"
    host = shlex.join(host_command(MEMORY, None, anyio_backend))
    counted = f"echo started >> {shlex.quote(str(starts))}; exec {host}"
    foreign = load_stdio(f"stdio:sh -c {shlex.quote(counted)}")
    starts.unlink()  # by whom it was described
    history = History()
    place = make_setting("nq_host", history=history)
    async with Lab(foreign, place, history, host_command=foreign.command) as lab:
        await lab.provider()
        await lab.new_provider()
        assert starts.read_text().split() == ["started"]
        await lab.new_provider(setting=replace(place, url="redis://127.0.0.1:1/0"))
        assert starts.read_text().split() == ["started"] * 2


async def test_each_host_is_a_process_of_its_own(lab: Lab) -> None:
    """Two memory adapters share nothing."""
    first, second = await lab.host(), await lab.host()
    assert first.raw.pid != second.raw.pid
    id = await (await first.provider()).enqueue("queue", JobInput("job"))
    assert await (await second.provider()).get_job("queue", id) is None


async def test_a_killed_host_answers_nothing_more(lab: Lab) -> None:
    """A call that waits ends at once, and says that it was the kit."""
    host = await lab.host()
    provider = await host.provider()
    await host.kill()
    with pytest.raises(PeerGoneError, match="killed by the kit"):
        await provider.enqueue("queue", JobInput("job"))


async def test_a_frozen_host_goes_on_when_it_is_thawed(lab: Lab) -> None:
    """What it was asked meanwhile, it answers then."""
    host = await lab.host()
    queue = await lab.queue(provider=await host.provider())
    host.freeze()
    async with lab.meanwhile(lambda: queue.add("asked while frozen")):
        host.thaw()
    assert [job.data for job in await queue.list()] == ["asked while frozen"]


async def test_a_host_that_dies_is_told_with_its_last_words(anyio_backend: str) -> None:
    """Nobody waits for it."""
    del anyio_backend
    dying = command("import sys; sys.stdin.readline(); print('out of luck', file=sys.stderr); sys.exit(7)")
    async with lab_of(MEMORY, dying) as lab:
        host = await lab.host()
        with pytest.raises(HostError, match=r"exit code 7(?s:.*)out of luck"):
            await host.provider()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("hello", "no JSON: hello"),
        ("[1]", "no JSON-RPC 2.0 message"),
        ('{"id": 1, "result": 1}', "no JSON-RPC 2.0 message"),
        ('{"jsonrpc": "2.0", "id": 99, "result": 1}', "an answer to a call that was not made"),
    ],
)
async def test_a_host_that_talks_nonsense_is_blamed(line: str, told: str, anyio_backend: str) -> None:
    """And not waited for."""
    del anyio_backend
    talking = command(f"import sys; sys.stdin.readline(); print({line!r}, flush=True); sys.stdin.read()")
    async with lab_of(MEMORY, talking) as lab:
        with pytest.raises(HostError, match=f"does not keep to the protocol: it sent .*{told}"):
            await (await lab.host()).provider()


async def test_an_answer_of_the_wrong_shape_is_blamed_on_the_host(anyio_backend: str) -> None:
    """A provider's number is a number."""
    del anyio_backend
    answer = '{"jsonrpc": "2.0", "id": 1, "result": "one"}'
    lying = command(f"import sys; sys.stdin.readline(); print({answer!r}, flush=True); sys.stdin.read()")
    async with lab_of(MEMORY, lying) as lab:
        with pytest.raises(Exception, match=r"the answer to provider\.open is not a integer, not 'one'"):
            await (await lab.host()).provider()


async def test_what_an_adapter_prints_does_not_disturb_the_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> None:
    """Its stdout is not the protocol's."""
    (tmp_path / "noisy.py").write_text(
        "from nq_reference import MemoryProvider\n"
        "class Provider(MemoryProvider):\n"
        "    async def init(self):\n"
        "        print('{\"jsonrpc\": \"2.0\"', end='', flush=True)\n"
        "        await super().init()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    async with lab_of("noisy:Provider", host_command("noisy:Provider", None, anyio_backend)) as lab:
        provider = await (await lab.host()).provider()
        assert await provider.enqueue("queue", JobInput("job"))


def test_the_published_schema_is_current_and_fits_what_travels() -> None:
    """Examples of messages, in both directions."""
    text = (
        importlib.resources.files("nq_conformance.adapters.host").joinpath("schemas/host-1.json").read_text()
    )
    schema = json.loads(text)
    check = jsonschema.Draft202012Validator(schema)
    job = {"name": "a", "data": [1], "opts": {"attempts": 2, "backoff": {"type": "fixed", "delay": 5}}}
    params = {"provider": 1, "queueName": "q", "job": job}
    assert check.is_valid({"jsonrpc": "2.0", "id": 1, "method": "provider.enqueue", "params": params})
    params = {"provider": 1, "queueName": "q", "job": {"name": 1}}
    assert not check.is_valid({"jsonrpc": "2.0", "id": 1, "method": "provider.enqueue", "params": params})
    event = {"subscription": 1, "payload": {"jobId": "x"}}
    assert check.is_valid({"jsonrpc": "2.0", "method": "event", "params": event})


def test_a_stdio_target_is_asked_who_it_is() -> None:
    """Name, service, claims and workers come from the host."""
    adapter = load_stdio(f"stdio:{sys.executable} -m nq_conformance.adapters.host {MEMORY}")
    assert (adapter.name, str(adapter.service), adapter.has_workers) == ("memory", "none", True)
    assert "cron" in adapter.capabilities


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("print('hello')", "is not understood .*: hello"),
        ("", "is not understood .*: nothing"),
        ("import sys; sys.exit('no such queue')", "no such queue"),
    ],
)
def test_a_stdio_target_that_does_not_answer_is_refused(script: str, told: str) -> None:
    """With what it said, and what it should have said."""
    with pytest.raises(TargetError, match=f"(?s){told}.*To mend it: answer with a line of JSON-RPC 2.0"):
        load_stdio(f'stdio:{sys.executable} -c "{script}"')


def test_shapes_keep_what_the_contract_has() -> None:
    """Every field of the options survives the way there and back."""
    opts = JobOptions(job_id="x", attempts=3, remove_on_complete=5, remove_on_fail=True)
    assert shapes.OPTIONS.read(json.loads(json.dumps(shapes.OPTIONS.write(opts)))) == opts
    when = ScheduleOptions(delay=5)
    assert shapes.SCHEDULE_OPTIONS.read(shapes.SCHEDULE_OPTIONS.write(when)) == when
    work = WorkerOptions(concurrency=7)
    assert shapes.WORKER_OPTIONS.read(shapes.WORKER_OPTIONS.write(work)) == work
