"""RPC: what goes to a handler in a child process, and what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nq_conformance.lab import Lab
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.json_values import TRICKY, same
from nq_conformance.suite.payloads import of_flow
from nq_conformance.suite.rules import rule
from nq_conformance.suite.scripted import (
    completed_with,
    each_runtime,
    failed_with,
    function,
    in_python,
    running,
    scripted,
    short,
)
from nq_conformance.suite.steps import (
    CONTEXT,
    ID,
    LINE,
    PAYLOAD,
    VARIABLES,
    fail,
    frame,
    in_json,
    reply,
    write,
)

SECRETS = ("DATABASE_URL", "REDIS_PASSWORD", "AWS_SECRET_ACCESS_KEY", "nq_of_no_special_name")
ODD_TEXT = 'two\nlines\r\n\u2028 \U0001f680 "quoted" \\ and\ttabbed'


@rule("RPC-01")
@each_runtime
async def test_a_child_is_sent_one_line_with_job_and_context(lab: Lab, runtime: str) -> None:
    """The child returns the line as it came."""
    children = await scripted(lab, runtime)
    data = {**of_flow("flow-1"), "payload": ["", None, 1.5, ODD_TEXT]}
    id = await children.start(reply(LINE), data=data)
    line: Any = (await children.ended(id)).return_value
    lab.check(isinstance(line, str), "the child completes the job with the line that it read", short(line))
    lab.check(line.endswith("\n"), "the request ends with a newline", short(line[-20:]), jobs=[id])
    request = json.loads(line)
    _is_a_request(lab, request, id)
    sent = await children.queue.job(id)
    job = {"id": id, "name": "job", "data": sent.data}
    lab.equal(request["params"].get("job"), job, "params.job of the request", jobs=[id])
    _tells_the_context(lab, request["params"].get("context"), children.queue.name, id, attempt=1)


@rule("RPC-01")
@each_runtime
async def test_the_context_tells_a_child_which_attempt_it_is(lab: Lab, runtime: str) -> None:
    """The first of two attempts fails with the context as its message; so does the second."""
    children = await scripted(lab, runtime)
    told = write(frame(id=ID, error={"code": -32000, "message": in_json(CONTEXT)}))
    id = await children.start(told, data=of_flow("flow-1"), attempts=2)
    await children.ended(id)
    events = lab.bus.of("step.retry", "step.failed")
    lab.equal([e.type for e in events], ["step.retry", "step.failed"], "outcomes of the attempts", jobs=[id])
    for attempt, event in enumerate(events, start=1):
        context = _read(str(field_of(event.data, "error")))
        _tells_the_context(lab, context, children.queue.name, id, attempt)


@rule("RPC-01")
@in_python
async def test_a_function_gets_data_and_context_as_in_process(lab: Lab) -> None:
    """A handler named as module:function is called with the payload and a context that has all fields."""
    children = await running(lab, function("tells_its_context"))
    data = {**of_flow("flow-1"), "text": ODD_TEXT}
    id = await children.queue.add(data)
    wanted = {
        "data": data,
        "job_id": id,
        "queue": children.queue.name,
        "flow_id": "flow-1",
        "flow_name": "the flow",
        "step_name": "job",
        "step_id": "flow-1__job__attempt-1",
        "attempt": 1,
    }
    completed_with(lab, await children.ended(id), wanted, "a function that tells its context")


@rule("RPC-02")
@each_runtime
async def test_a_job_completes_with_whatever_its_child_returns(lab: Lab, runtime: str) -> None:
    """Null, false, zero, empty text and lists, and everything else that is JSON."""
    children = await scripted(lab, runtime, concurrency=2)
    ids = [await children.start(reply(PAYLOAD), data={"payload": value}) for value in TRICKY]
    for value, job in zip(TRICKY, await children.all_end(ids), strict=True):
        expected = f"a job whose child replies with {value!r} completes with it"
        seen = f"{job.state}: {short(job.return_value)}, {short(job.failed_reason)}"
        right = job.state == "completed" and same(job.return_value, value)
        lab.check(right, expected, seen, jobs=[job.id])


@rule("RPC-03")
@each_runtime
async def test_an_error_reply_fails_the_attempt_in_the_childs_words(lab: Lab, runtime: str) -> None:
    """The reason is the message; type and traceback are in the event of the failure."""
    children = await scripted(lab, runtime)
    message = "no such order: \u00fc\U0001f680\nsecond line"
    trace = "OrderError\n    at shop.orders.find (orders:42)\n"
    job = await children.run(fail(message, "OrderError", trace), attempts=2)
    failed_with(lab, job, lambda reason: message in reason, f"has {message!r}", "a job with an error reply")
    events = lab.bus.of("step.retry", "step.failed")
    lab.equal([e.type for e in events], ["step.retry", "step.failed"], "outcomes of two attempts")
    for event in events:
        error, told = str(field_of(event.data, "error")), repr(event.data)
        lab.check(message in error, f"`error` of {event.type} has {message!r}", short(error), jobs=[job.id])
        for what, words in (("type", "OrderError"), ("traceback", "shop.orders.find (orders:42)")):
            lab.check(
                words in told, f"the data of {event.type} has the {what}: {words}", short(told), jobs=[job.id]
            )


@rule("RPC-03")
@each_runtime
async def test_an_error_reply_without_data_fails_the_attempt(lab: Lab, runtime: str) -> None:
    """Code and message are all that JSON-RPC asks for."""
    children = await scripted(lab, runtime)
    job = await children.run(write(frame(id=ID, error={"code": -32000, "message": "in few words"})))
    failed_with(lab, job, lambda reason: "in few words" in reason, "has 'in few words'", "the job")
    await children.still_works("an error reply without data")


@rule("RPC-03")
@in_python
async def test_what_a_function_raises_is_told_with_its_traceback(lab: Lab) -> None:
    """A KeyError in a function: its words are the reason, its type and place in the event."""
    children = await running(lab, function("raises"))
    job = await children.ended(await children.queue.add({"order": 42}))
    failed_with(lab, job, lambda reason: "no such order: 42" in reason, "has 'no such order: 42'", "the job")
    told = repr([event.data for event in lab.bus.of("step.failed")])
    for words in ("KeyError", "functions.py", "in raises"):
        lab.check(words in told, f"the data of step.failed has {words!r}", short(told), jobs=[job.id])


@rule("RPC-25")
@each_runtime
async def test_a_child_does_not_have_the_secrets_of_its_worker(
    lab: Lab, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that nobody named for it are not in its environment, whatever their names."""
    for name in SECRETS:
        monkeypatch.setenv(name, "of no concern to a handler")
    children = await scripted(lab, runtime)
    job = await children.run(reply(VARIABLES))
    told: Any = job.return_value
    lab.check(isinstance(told, list), "the child tells the names of its variables", short(told))
    seen = [name for name in SECRETS if name in told]
    lab.equal(seen, [], "variables of the worker in the environment of its child", jobs=[job.id])


def _is_a_request(lab: Lab, request: Any, id: str) -> None:
    lab.equal(request.get("jsonrpc"), "2.0", "jsonrpc of the request", jobs=[id])
    lab.equal(request.get("method"), "execute", "method of the request", jobs=[id])
    number = request.get("id")
    asks = isinstance(number, str | int) and not isinstance(number, bool)
    lab.check(asks, "the request has an id, a text or a number", repr(number), jobs=[id])
    lab.equal(sorted(request.get("params", ())), ["context", "job"], "names in params", jobs=[id])


def _tells_the_context(lab: Lab, context: Any, queue: str, id: str, attempt: int) -> None:
    wanted = {
        "jobId": id,
        "queue": queue,
        "flowId": "flow-1",
        "flowName": "the flow",
        "stepName": "job",
        "stepId": f"flow-1__job__attempt-{attempt}",
        "attempt": attempt,
    }
    seen = {name: context.get(name, "missing") for name in wanted} if isinstance(context, dict) else context
    lab.equal(seen, wanted, f"params.context of attempt {attempt}", jobs=[id])


def _read(text: str) -> Any:
    try:
        return json.loads(text[text.index("{") :])
    except ValueError:
        return text
