"""RPC: what a handler in a child process asks of its context."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio

from nq_conformance.lab import Lab
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.payloads import of_flow
from nq_conformance.suite.rules import rule
from nq_conformance.suite.scripted import (
    CHILD,
    completed_with,
    each_runtime,
    failed_with,
    function,
    in_python,
    noted,
    running,
    scripted,
    short,
)
from nq_conformance.suite.steps import (
    CONTEXT,
    ID,
    MESSAGES,
    PID,
    ask,
    call,
    frame,
    note,
    notice,
    receive,
    reply,
    until,
    write,
)

UNKNOWN_METHOD, BAD_PARAMS = -32601, -32602
KEYS = ("a", "b", "c", "d")
BAD_CALLS: tuple[dict[str, Any], ...] = (
    {"method": "ctx.state.get", "params": {}},
    {"method": "ctx.state.get"},
    {"method": "ctx.state.get", "params": {"key": 5}},
    {"method": "ctx.state.set", "params": {"value": 1}},
    {"method": "ctx.state.delete", "params": {"name": "key"}},
    {"method": "ctx.logger.log", "params": {"level": "info"}},
    {"method": "ctx.flow.emit", "params": {"payload": {}}},
)
"""Parameters are missing, or of another type."""
UNKNOWN_METHODS = ("ctx.state.clear", "ctx.state", "execute", "state.get", "__init__", "")


@rule("RPC-14")
@each_runtime
async def test_jobs_at_the_same_time_share_nothing(lab: Lab, runtime: str, tmp_path: Path) -> None:
    """Three children of three flows write the same key, wait for each other, then read and log."""
    children = await scripted(lab, runtime, concurrency=3)
    flows = ("flow-0", "flow-1", "flow-2")
    ids = [await children.start(*_of_one_flow(flow, tmp_path), data=of_flow(flow)) for flow in flows]
    pids = [await noted(lab, tmp_path / flow, f"its start for {flow}") for flow in flows]
    lab.equal(len(set(pids)), 3, f"processes of three jobs at the same time, of {pids}", jobs=ids)
    (tmp_path / "gate").touch()
    for flow, id, pid, job in zip(flows, ids, pids, await children.all_end(ids), strict=True):
        told: dict[str, Any] = job.return_value if isinstance(job.return_value, dict) else {}
        read = [message.get("result") for message in told.get("messages", ()) if message.get("id") == "get"]
        context = told.get("context", {})
        seen = (job.state, told.get("pid"), read, context.get("jobId"), context.get("flowId"))
        wanted = ("completed", pid, [flow], id, flow)
        lab.equal(seen, wanted, f"state, process, key, jobId and flowId of the job of {flow}", jobs=[id])
    logs = {(event.step_id, field_of(event.data, "message")) for event in lab.bus.of("log")}
    lab.equal(logs, {(f"{flow}__job__attempt-1", flow) for flow in flows}, "steps and messages of their logs")


def _of_one_flow(flow: str, folder: Path) -> list[list[Any]]:
    return [
        *ask("set", "ctx.state.set", key="key", value=flow),
        note(folder / flow, PID),
        until(folder / "gate"),
        *ask("get", "ctx.state.get", key="key"),
        *ask("log", "ctx.logger.log", level="info", message=flow),
        reply({"pid": PID, "context": CONTEXT, "messages": MESSAGES}),
    ]


@rule("RPC-15")
@each_runtime
async def test_each_call_is_answered_by_its_id(lab: Lab, runtime: str) -> None:
    """Four calls at once, under the ids 0, a text, a negative number and that of the parent's request."""
    children = await scripted(lab, runtime)
    lab.state.oracle = _last_letter
    ids = (0, "text", -7, ID)
    calls = [call(id, "ctx.state.get", key=key) for id, key in zip(ids, KEYS, strict=True)]
    job = await children.run(write(*calls), receive(*ids), reply({"messages": MESSAGES, "id": ID}))
    told: dict[str, Any] = job.return_value if isinstance(job.return_value, dict) else {}
    seen = (job.state, sorted(told), job.failed_reason)
    lab.equal(
        seen, ("completed", ["id", "messages"], None), "state, names in the result and reason of the job"
    )
    answers = {message["id"]: message.get("result") for message in told["messages"]}
    wanted = {0: "a", "text": "b", -7: "c", told["id"]: "d"}
    lab.equal(answers, wanted, "answers by id to calls for a, b, c and d", jobs=[job.id])


@rule("RPC-15")
@in_python
async def test_a_function_gets_each_answer_to_its_own_call(lab: Lab) -> None:
    """Four calls at once, of which the first is answered last if they are answered side by side."""
    children = await running(lab, function("asks_at_once"))
    others = anyio.Event()

    async def answer(key: str) -> Any:
        letter = await _last_letter(key)
        if letter == "a":
            # One that answers calls in turn never comes to the others; it may be right all the same.
            with anyio.move_on_after(lab.clock.seconds(CHILD) / 10):
                await others.wait()
        elif letter == "d":
            others.set()
        return letter

    lab.state.oracle = answer
    job = await children.ended(await children.queue.add({"keys": list(KEYS)}))
    completed_with(lab, job, list(KEYS), "a function that makes four calls at once")


@rule("RPC-16")
@each_runtime
async def test_a_notification_gets_no_reply(lab: Lab, runtime: str) -> None:
    """Known and unknown methods, good and bad parameters; then two requests, which do get theirs."""
    children = await scripted(lab, runtime)
    notices = [
        notice("ctx.logger.log", level="info", message="told"),
        notice("ctx.state.set", key="key", value="set"),
        notice("ctx.state.get", key="key"),
        notice("ctx.state.get"),
        notice("ctx.nothing"),
    ]
    asked = [*ask(1, "ctx.state.get", key="key"), *ask(2, "ctx.state.get", key="other")]
    job = await children.run(write(*notices), *asked, reply(MESSAGES))
    wanted = [{"jsonrpc": "2.0", "id": id, "result": value} for id, value in ((1, "set"), (2, None))]
    completed_with(lab, job, wanted, "a child that returns all messages to it: five notices, two requests")
    told = [field_of(event.data, "message") for event in lab.bus.of("log")]
    lab.equal(told, ["told"], "messages of `log` events", jobs=[job.id])


@rule("RPC-16")
@each_runtime
async def test_an_unknown_method_is_an_error_with_its_code(lab: Lab, runtime: str) -> None:
    """-32601 for each, and the job goes on."""
    children = await scripted(lab, runtime)
    steps = [step for method in UNKNOWN_METHODS for step in ask(method, method)]
    job = await children.run(*steps, reply(MESSAGES))
    _gives_codes(lab, job, dict.fromkeys(UNKNOWN_METHODS, UNKNOWN_METHOD), "unknown methods")


@rule("RPC-16")
@each_runtime
async def test_bad_parameters_are_an_error_with_its_code(lab: Lab, runtime: str) -> None:
    """-32602 for each, and the job goes on."""
    children = await scripted(lab, runtime)
    steps = [write(frame(id=n, **bad)) for n, bad in enumerate(BAD_CALLS)]
    job = await children.run(*steps, receive(*range(len(BAD_CALLS))), reply(MESSAGES))
    _gives_codes(lab, job, dict.fromkeys(range(len(BAD_CALLS)), BAD_PARAMS), "bad parameters")


def _gives_codes(lab: Lab, job: Any, wanted: dict[Any, int], what: str) -> None:
    lab.equal(
        (job.state, job.failed_reason), ("completed", None), f"state and reason after {what}", jobs=[job.id]
    )
    answers = {message["id"]: message.get("error", message) for message in job.return_value}
    codes = {id: answer.get("code", answer) for id, answer in answers.items()}
    lab.equal(codes, wanted, f"error codes of calls with {what}, by id", jobs=[job.id])


@rule("RPC-17")
@each_runtime
async def test_a_call_that_fails_is_answered_with_its_error(lab: Lab, runtime: str) -> None:
    """State and flow raise; each of four calls gets an error that says so, and the job goes on."""
    children = await scripted(lab, runtime)
    lab.state.broken = lab.flow.broken = True
    steps = [
        *ask("get", "ctx.state.get", key="key"),
        *ask("set", "ctx.state.set", key="key", value=1),
        *ask("delete", "ctx.state.delete", key="key"),
        *ask("emit", "ctx.flow.emit", trigger="trigger", payload={}),
        reply(MESSAGES),
    ]
    job = await children.run(*steps)
    lab.equal((job.state, job.failed_reason), ("completed", None), "state and reason of the job")
    messages: Any = job.return_value
    errors = {message["id"]: message.get("error") or {} for message in messages}
    for id, says in {
        **dict.fromkeys(("get", "set", "delete"), "state provider"),
        "emit": "flow engine",
    }.items():
        words = str(errors.get(id, {}).get("message"))
        lab.check(f"the {says} is down" in words, f"the error of {id} says {says!r} is down", words)


@rule("RPC-17")
@in_python
async def test_a_call_that_fails_raises_in_the_function(lab: Lab) -> None:
    """It may catch the error; where it does not, the attempt fails for it."""
    lab.state.broken = lab.flow.broken = True
    catching = await running(lab, function("catches"))
    job = await catching.ended(await catching.queue.add({}))
    words: list[str] = job.return_value if isinstance(job.return_value, list) else []
    right = len(words) == 4 and all("is down (on purpose)" in word for word in words)
    seen = f"{job.state}: {short(job.return_value)}, {short(job.failed_reason)}"
    lab.check(right, "what four calls raise says 'is down (on purpose)'", seen, jobs=[job.id])
    passing = await running(lab, function("lets_pass"))
    job = await passing.ended(await passing.queue.add({}))
    says = "the state provider is down"
    failed_with(lab, job, lambda reason: says in reason, f"says {says!r}", "a function that lets it pass")


async def _last_letter(key: str) -> Any:
    """The key, of whatever scope the adapter has put before it."""
    return key[-1]
