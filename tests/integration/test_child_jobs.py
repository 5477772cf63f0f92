"""Handlers in child processes are given what handlers are given, and end as handlers end (RPC-*, CTX-*)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from child_tools import EACH_RUNTIME, HANDLERS, JOB, QUEUE, workplace

from nq_conformance.contract import InvalidWorkerError, WorkerInfo, WorkerOptions

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Children are of no event loop."""
    if request.param == "uvloop":
        return "asyncio", {"use_uvloop": True}
    return request.param


@EACH_RUNTIME
async def test_a_handler_is_given_data_and_context(runtime: str) -> None:
    """All that CTX-01 names, with the flow that the payload names (RPC-01)."""
    async with workplace() as place:
        await place.work(HANDLERS[runtime], runtime)
        data = {"do": "echo", "flow_id": "f1", "flow_name": "orders", "text": "é\u2028🙂\n"}
        job = await place.run(data)
        step = f"f1__{JOB}__attempt-1"
        assert job.return_value == {
            "data": data,
            "context": [job.id, QUEUE, "f1", "orders", JOB, step, 1],
        }
        assert [event.type for event in place.around.events] == ["step.started", "step.completed"]


@EACH_RUNTIME
async def test_any_result_is_kept(runtime: str) -> None:
    """Also what is false (RPC-02)."""
    async with workplace() as place:
        await place.work(HANDLERS[runtime], runtime)
        results: list[Any] = [None, False, 0, "", [], {}, 1.5, ["é"]]
        for result in results:
            assert await place.result({"do": "give", "result": result}) == result


@EACH_RUNTIME
async def test_an_error_keeps_its_message_type_and_traceback(runtime: str) -> None:
    """The traceback in the child is in the event, down to the line that raised (RPC-03)."""
    async with workplace() as place:
        await place.work(HANDLERS[runtime], runtime)
        assert await place.reason({"do": "fail"}) == "no such order"
        (told,) = place.around.told("step.failed")
        assert told["error"] == "no such order"
        assert ("LookupError" if runtime == "python" else "RangeError") in told["stack"]
        assert Path(HANDLERS[runtime]).name in told["stack"]


@EACH_RUNTIME
async def test_a_failed_attempt_is_made_again_unless_the_error_forbids_it(runtime: str) -> None:
    """Attempts and unrecoverable errors mean what they mean in process (RTY-09)."""
    async with workplace() as place:
        await place.work(HANDLERS[runtime], runtime)
        assert (await place.run({"do": "fail"}, attempts=2)).attempts_made == 2
        assert (await place.run({"do": "fail_for_good"}, attempts=2)).attempts_made == 1


@EACH_RUNTIME
async def test_state_is_the_flows_state(runtime: str) -> None:
    """Set, get, delete, and a key that is missing (CTX-02); many at once are not mixed up (RPC-15) and
    come in the order in which they were asked."""
    async with workplace() as place:
        await place.work(HANDLERS[runtime], runtime)
        assert await place.result({"do": "keep", "value": {"a": [1, None]}}) == [{"a": [1, None]}, None]
        place.around.values.update({f"f:{n}": n * n for n in range(50)})
        keys = [str(n) for n in range(50)]
        data = {"do": "ask_together", "keys": keys, "flow_id": "f"}
        place.around.asked.clear()
        assert await place.result(data) == [n * n for n in range(50)]
        assert place.around.asked == [f"f:{n}" for n in range(50)]


@EACH_RUNTIME
async def test_what_is_logged_and_emitted_comes_before_the_result(runtime: str) -> None:
    """Though nobody awaits it, and in order; what is printed meanwhile breaks nothing (RPC-07, RPC-20)."""
    async with workplace() as place:
        await place.work(HANDLERS[runtime], runtime)
        assert await place.result({"do": "talk", "times": 20, "flow_id": "f"}) == "said"
        assert [log["message"] for log in place.around.told("log")] == [f"line {n}" for n in range(20)]
        assert sorted(t for t, _ in place.around.triggers) == sorted(f"trigger {n}" for n in range(20))
        assert place.around.triggers[0][1] == {"flow_id": "f", "flow_name": "unknown", "step_name": JOB}
        assert place.around.events[-1].type == "step.completed"


@EACH_RUNTIME
async def test_anything_can_be_logged(runtime: str) -> None:
    """Metadata that JSON can't hold does not fail the job (CTX-04)."""
    async with workplace() as place:
        await place.work(HANDLERS[runtime], runtime)
        assert await place.result({"do": "log_anything"}) == "logged"
        assert [log["message"] for log in place.around.told("log")] == ["strange", "stranger"]


@EACH_RUNTIME
async def test_a_result_that_json_cannot_hold_fails_the_attempt(runtime: str) -> None:
    """By name, not by a child that dies (RPC-20)."""
    async with workplace() as place:
        await place.work(HANDLERS[runtime], runtime)
        reason = await place.reason({"do": "give_what_json_cannot_hold"})
        assert "serial" in reason.lower()


@EACH_RUNTIME
async def test_a_context_call_that_fails_raises_in_the_child(runtime: str) -> None:
    """With the message (RPC-17)."""
    async with workplace(alone=True) as place:
        await place.work(HANDLERS[runtime], runtime)
        assert "needs a state provider" in await place.result({"do": "catch"})


@EACH_RUNTIME
async def test_a_handlers_stdin_is_empty(runtime: str) -> None:
    """It can't take the protocol's bytes, nor wait for any."""
    async with workplace() as place:
        await place.work(HANDLERS[runtime], runtime)
        assert await place.result({"do": "read_stdin"}) == ""


async def test_a_plain_function_is_served_as_well(tmp_path: Path) -> None:
    """Its context's calls return when they are answered; ``module:function`` finds it."""
    async with workplace() as place:
        (tmp_path / "plain.py").write_text(
            "from nq_reference.worker import define_config, define_worker\n"
            "def add(data, ctx):\n"
            "    ctx.logger.log('info', 'adding')\n"
            "    ctx.state.set('sum', sum(data))\n"
            "    return ctx.state.get('sum')\n"
            "anything = define_worker(add, define_config(queue='work', worker={'concurrency': 2}))\n"
        )
        await place.work(str(tmp_path / "plain.py"))
        assert await place.result([1, 2]) == 3
        await place.work("child_functions:place.join")
        assert await place.result(["a", "b"]) == "a+b"


async def test_what_a_runtime_cannot_run_is_refused_at_once(tmp_path: Path) -> None:
    """Each with the reason, and nothing is registered."""
    (tmp_path / "handler.mjs").touch()
    (tmp_path / "handler.py").touch()

    async def handler(data: Any, ctx: Any) -> None: ...

    refused: list[tuple[Any, Any, str]] = [
        (handler, "python", "as text"),
        (str(tmp_path / "handler.mjs"), "python", r"\*\.py"),
        (str(tmp_path / "missing.py"), "python", "no file"),
        ("no module", "python", "module:function"),
        ("module:function", "node-isolated", r"\*\.mjs"),
        (str(tmp_path / "handler.py"), "in-process", "can't call"),
    ]
    async with workplace() as place:
        for given, runtime, words in refused:
            with pytest.raises(InvalidWorkerError, match=words):
                await place.manager.register_worker(QUEUE, JOB, given, WorkerOptions(runtime=runtime))
        assert place.manager.get_worker(QUEUE, JOB) is None


async def test_get_worker_shows_what_was_registered() -> None:
    """The text, not what we make of it."""
    async with workplace() as place:
        await place.work(HANDLERS["python"], concurrency=3)
        info = WorkerInfo(QUEUE, JOB, HANDLERS["python"], "python", 3, autorun=True)
        assert place.manager.get_worker(QUEUE, JOB) == info
