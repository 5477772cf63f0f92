"""CTX: what a handler is given beside its input."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from hypothesis import example, given

from nq_conformance.lab import Lab, Run
from nq_conformance.lab.handlers import Body
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.json_values import NUMBERED, TRICKY, same, values
from nq_conformance.suite.payloads import of_flow
from nq_conformance.suite.rules import rule

KEYS = ("key", "Key", "key ", "", "a:b", "a", "a.b/c", "__proto__", "ключ", "k" * 200)

_numbers = count(1)


class Unspeakable:
    """Can be told in no words."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


def _cycle() -> dict[str, Any]:
    cycle: dict[str, Any] = {}
    cycle["again"] = cycle
    return cycle


METADATA: dict[str, Any] = {
    "nothing": None,
    "a dict": {"a": [1]},
    "a list": [1, 2],
    "text": "text",
    "a number": 5,
    "false": False,
    "bytes": b"raw",
    "a set": {1},
    "an error": ValueError("an error"),
    "an object": object(),
    "an object without words": Unspeakable(),
    "a dict with odd keys": {1: 2, None: 3},
    "a dict that holds itself": _cycle(),
    "NaN": float("nan"),
}


@rule("CTX-01")
async def test_the_context_tells_who_and_where_the_attempt_is(lab: Lab) -> None:
    """Ids, names and the attempt's number, in the second of two attempts."""
    queue = await lab.queue()
    handler = lab.failing(times=1)
    await queue.work(handler, name="a step")
    id = await queue.add(of_flow("flow-1"), name="a step", attempts=2)
    await handler.finished(2)
    for number, run in enumerate(handler.runs, start=1):
        wanted = {
            "job_id": id,
            "queue": queue.name,
            "flow_id": "flow-1",
            "flow_name": "the flow",
            "step_name": "a step",
            "step_id": f"flow-1__a step__attempt-{number}",
            "attempt": number,
        }
        seen = {name: getattr(run.ctx, name, "missing") for name in wanted}
        lab.equal(seen, wanted, f"the context of attempt {number}", jobs=[id])


@rule("CTX-03")
async def test_state_is_shared_within_a_flow_and_kept_from_others(lab: Lab) -> None:
    """Two flows write the same key at the same time, then read it in another step."""
    queue, gate = await lab.queue(), lab.gate()

    async def write(run: Run) -> None:
        await run.ctx.state.set("key", run.data["flow_id"])
        await gate.passed()

    async def read(run: Run) -> Any:
        return await run.ctx.state.get("key")

    writer = lab.handler(write)
    await queue.work(writer, name="write", concurrency=2)
    await queue.work(lab.handler(read), name="read")
    flows = ("flow-a", "flow-b")
    for flow in flows:
        await queue.add(of_flow(flow), name="write")
    await writer.started(2)
    gate.open()
    await writer.finished(2)
    for flow in (*flows, "flow-c"):
        id = await queue.add(of_flow(flow), name="read")
        job = await queue.reaches(id, "completed", "failed")
        wanted = flow if flow in flows else None
        lab.equal(
            (job.state, job.return_value), ("completed", wanted), f"the key's value in {flow}", jobs=[id]
        )


@rule("CTX-03")
async def test_a_flow_and_a_key_do_not_run_into_each_other(lab: Lab) -> None:
    """`a` with the key `b:c` and `a:b` with `c` are two values, whatever may stand between flow and key."""
    queue = await lab.queue()
    marks = (":", "/", ".", "-", "_", "__", "%", "%3A", "\\", "|", "")
    places = [place for mark in marks for place in (("a", f"b{mark}c"), (f"a{mark}b", "c"))]

    async def write(run: Run) -> None:
        await run.ctx.state.set(run.data["key"], [run.data["flow_id"], run.data["key"]])

    async def read(run: Run) -> Any:
        return await run.ctx.state.get(run.data["key"])

    for name, body in (("write", write), ("read", read)):
        await queue.work(lab.handler(body), name=name)
        for flow, key in places:
            id = await queue.add({**of_flow(flow), "key": key}, name=name)
            job = await queue.reaches(id, "completed", "failed")
            wanted = [flow, key] if name == "read" else None
            what = f"the value of {key!r} in the flow {flow!r}"
            lab.equal((job.state, job.return_value), ("completed", wanted), what, jobs=[id])


@rule("CTX-03")
async def test_state_is_shared_by_the_attempts_of_a_job(lab: Lab) -> None:
    """The first attempt writes and fails, the second reads."""
    queue = await lab.queue()

    async def body(run: Run) -> Any:
        if run.number == 1:
            await run.ctx.state.set("progress", {"at": 7})
            raise RuntimeError("first attempt")
        return await run.ctx.state.get("progress")

    await queue.work(lab.handler(body))
    id = await queue.add(attempts=2)
    job = await queue.reaches(id, "completed", "failed")
    lab.equal((job.state, job.return_value), ("completed", {"at": 7}), "what attempt 2 reads", jobs=[id])


@rule("CTX-02")
async def test_a_missing_key_is_none_and_a_deleted_one_missing_again(lab: Lab) -> None:
    """Ten keys that resemble each other: none is there, each keeps its own value, one is deleted."""
    seen: dict[str, Any] = {}

    async def body(run: Run) -> None:
        state = run.ctx.state
        seen["before"] = [await state.get(key) for key in KEYS]
        for number, key in enumerate(KEYS):
            await state.set(key, number)
        seen["after set"] = [await state.get(key) for key in KEYS]
        await state.set("key", "new")
        seen["after a second set"] = await state.get("key")
        for key in ("key", "never set"):
            await state.delete(key)
        seen["after delete"] = [await state.get(key) for key in KEYS]

    await _does(lab, body)
    numbers = list(range(len(KEYS)))
    lab.equal(seen["before"], [None] * len(KEYS), "values of keys that are missing")
    lab.equal(seen["after set"], numbers, f"values of the keys {KEYS} after 0, 1, 2 … were set")
    lab.equal(seen["after a second set"], "new", "the value of a key that was set twice")
    lab.equal(seen["after delete"], [None, *numbers[1:]], "values after the first key was deleted")


@rule("CTX-02")
async def test_state_is_kept_in_the_provider_that_was_given(lab: Lab) -> None:
    """What one step sets is there, the next step finds it, and its delete removes it there."""
    kept: list[int] = []

    async def set_it(run: Run) -> None:
        await run.ctx.state.set("key", {"deep": [1, None]})
        kept.append(len(lab.state.values))

    async def take_it(run: Run) -> Any:
        value = await run.ctx.state.get("key")
        await run.ctx.state.delete("key")
        kept.append(len(lab.state.values))
        return value

    await _does(lab, set_it)
    found = await _does(lab, take_it)
    lab.equal(found, {"deep": [1, None]}, "what the next step of the flow reads")
    lab.equal(kept, [1, 0], "values in the state provider after set in one step and delete in the next")


@rule("CTX-02")
async def test_state_gives_every_json_value_back(lab: Lab) -> None:
    """Values that others have lost: falsy ones, empty ones, odd keys, odd text."""
    await _come_back(lab, [*TRICKY, NUMBERED])


@rule("CTX-02")
@given(value=values)
@example(value={"a": [0, None, ""]})
@examples(20)
async def test_state_gives_any_json_value_back(lab: Lab, value: Any) -> None:
    """Values that nobody thought of."""
    await _come_back(lab, [value])


@rule("CTX-04")
async def test_a_log_is_told_with_its_step_and_attempt(lab: Lab) -> None:
    """Two attempts at one job and one at another, at the same time: each log names its own."""
    queue, gate = await lab.queue(), lab.gate()

    async def body(run: Run) -> None:
        first, second = (f"{which} of {run.ctx.step_id}" for which in ("first", "second"))
        await run.ctx.logger.log("info", first, {"n": 1})
        await gate.passed()
        await run.ctx.logger.log("error", second)
        if run.data["fails"] and run.ctx.attempt == 1:
            raise RuntimeError("once")

    handler = lab.handler(body)
    await queue.work(handler, name="talks", concurrency=2)
    ids = [await queue.add({**of_flow(f"flow-{n}"), "fails": n}, name="talks", attempts=2) for n in (0, 1)]
    await handler.started(2)
    gate.open()
    for id in ids:
        await queue.reaches(id, "completed")
    await _has_logged(lab, 6, ids)
    logs = lab.bus.of("log")
    told = sorted(
        (e.step_id, e.attempt, field_of(e.data, "message"), field_of(e.data, "level")) for e in logs
    )
    steps = (("flow-0", 1), ("flow-1", 1), ("flow-1", 2))
    step_ids = {f"{flow}__talks__attempt-{attempt}": attempt for flow, attempt in steps}
    wanted = [
        (step_id, attempt, f"{which} of {step_id}", level)
        for step_id, attempt in step_ids.items()
        for which, level in (("first", "info"), ("second", "error"))
    ]
    lab.equal(told, sorted(wanted), "step_id, attempt, message and level of `log` events", jobs=ids)


@rule("CTX-04")
async def test_a_log_takes_any_metadata(lab: Lab) -> None:
    """Dicts and what is none, what JSON can't hold, and what has no words: logged, and the job completes."""
    queue = await lab.queue()
    given_metadata = {kind: metadata for kind, metadata in METADATA.items() if lab.can_give(metadata)}
    for number, (kind, metadata) in enumerate(given_metadata.items(), start=1):

        async def body(run: Run, kind: str = kind, metadata: Any = metadata) -> str:
            await run.ctx.logger.log("warn", kind, metadata)
            return "logged"

        await queue.work(lab.handler(body), name=kind)
        id = await queue.add(name=kind)
        job = await queue.reaches(id, "completed", "failed")
        seen = (job.state, job.return_value, job.failed_reason)
        lab.equal(
            seen,
            ("completed", "logged", None),
            f"state, result and reason of a job that logs {kind}",
            jobs=[id],
        )
        await _has_logged(lab, number, [id])
        told = [field_of(e.data, "message") for e in lab.bus.of("log")]
        lab.equal(told[-1:], [kind], f"message of the `log` event with {kind} as its metadata", jobs=[id])


@rule("CTX-04")
async def test_a_log_that_cannot_be_told_does_not_fail_the_job(lab: Lab) -> None:
    """The event bus raises; the handler does not notice."""

    async def body(run: Run) -> str:
        lab.bus.broken = True
        await run.ctx.logger.log("info", "into the void", {"a": 1})
        lab.bus.broken = False
        return "went on"

    lab.equal(await _does(lab, body), "went on", "result of a job that logs while the event bus raises")


@rule("CTX-05")
async def test_emit_names_flow_and_step_unless_the_payload_does(lab: Lab) -> None:
    """Without a payload, with one, and with one that names them itself."""
    own = {"flow_id": "own-flow", "flow_name": "own name", "step_name": "own step"}
    own |= {"flowId": "own-flow", "flowName": "own name", "stepName": "own step"}

    async def body(run: Run) -> None:
        await run.ctx.flow.emit("bare")
        await run.ctx.flow.emit("filled", {"a": [1], "b": None})
        await run.ctx.flow.emit("named", {**own, "a": 2})
        await run.ctx.flow.emit("partly", {"flow_name": "own name", "flowName": "own name"})

    await _does(lab, body, name="emits")
    triggers = [trigger for trigger, _ in lab.flow.emitted]
    lab.equal(triggers, ["bare", "filled", "named", "partly"], "triggers that the flow engine was given")
    ours = ("flow-1", "the flow", "emits")
    wanted = [ours, ours, ("own-flow", "own name", "own step"), ("flow-1", "own name", "emits")]
    told = [_names(payload) for _, payload in lab.flow.emitted]
    lab.equal(told, wanted, "flow_id, flow_name and step_name in the four payloads")
    payloads = [payload for _, payload in lab.flow.emitted]
    rest = [(payload.get("a"), payload.get("b", "missing")) for payload in payloads[1:3]]
    lab.equal(rest, [([1], None), (2, "missing")], "a and b in the second and third payload")


@rule("CTX-05")
async def test_an_error_of_the_flow_engine_reaches_the_handler(lab: Lab) -> None:
    """A handler may catch it; where none does, the job fails for that reason."""
    await _meets_errors(
        lab, "the flow engine is down", {"emit": lambda ctx: ctx.flow.emit("trigger", {"a": 1})}
    )


@rule("CTX-05")
async def test_an_error_of_the_state_provider_reaches_the_handler(lab: Lab) -> None:
    """Of get, set and delete."""
    calls = {
        "get": lambda ctx: ctx.state.get("key"),
        "set": lambda ctx: ctx.state.set("key", 1),
        "delete": lambda ctx: ctx.state.delete("key"),
    }
    await _meets_errors(lab, "the state provider is down", calls)


async def _meets_errors(lab: Lab, says: str, calls: dict[str, Callable[[Any], Awaitable[Any]]]) -> None:
    """Each call works, then raises what its provider raises, caught and not caught."""
    for what, call in calls.items():
        caught: list[str] = []

        async def body(run: Run, call: Any = call, caught: list[str] = caught) -> None:
            await call(run.ctx)
            lab.state.broken = lab.flow.broken = True
            try:
                await call(run.ctx)
            except Exception as error:
                caught.append(str(error))
            await call(run.ctx)

        queue = await lab.queue()
        await queue.work(lab.handler(body))
        id = await queue.add(of_flow("flow-1"))
        job = await queue.reaches(id, "completed", "failed")
        lab.state.broken = lab.flow.broken = False
        lab.check(
            len(caught) == 1 and says in caught[0],
            f"{what} raises an error that says {says!r} to the handler",
            f"it raised {caught}"
            if caught
            else f"nothing was caught; the job is {job.state}: {job.failed_reason}",
            jobs=[id],
        )
        lab.equal(
            job.state, "failed", f"state of the job, whose handler lets an error of {what} pass", jobs=[id]
        )
        lab.check(
            says in (job.failed_reason or ""),
            f"failed_reason says {says!r}",
            repr(job.failed_reason),
            jobs=[id],
        )


async def _does(lab: Lab, body: Body, name: str = "step") -> Any:
    """Run ``body`` as a job of flow-1, which must complete; returns its result."""
    queue = await lab.queue(f"does{next(_numbers)}")
    await queue.work(lab.handler(body), name=name)
    id = await queue.add(of_flow("flow-1"), name=name)
    job = await queue.reaches(id, "completed", "failed")
    lab.equal(
        (job.state, job.failed_reason), ("completed", None), "state and failed_reason of the job", jobs=[id]
    )
    return job.return_value


async def _come_back(lab: Lab, given_values: list[Any]) -> None:
    seen: list[Any] = []

    async def body(run: Run) -> None:
        for value in given_values:
            await run.ctx.state.set("key", value)
            seen.append(await run.ctx.state.get("key"))

    await _does(lab, body)
    lab.equal(len(seen), len(given_values), "values read")
    for value, read in zip(given_values, seen, strict=True):
        lab.check(same(read, value), f"state.get gives {value!r}, which was set", repr(read))


async def _has_logged(lab: Lab, count: int, ids: list[str]) -> None:
    await lab.sees(
        lambda: len(lab.bus.of("log")) >= count,
        expected=f"{count} `log` events in all",
        seen=lambda: f"{len(lab.bus.of('log'))} `log` events",
        jobs=ids,
    )


def _names(payload: dict[str, Any]) -> tuple[Any, ...]:
    """Flow id, flow name and step name, in whichever spelling."""
    spellings = (("flow_id", "flowId"), ("flow_name", "flowName"), ("step_name", "stepName"))
    return tuple(next((payload[key] for key in keys if key in payload), None) for keys in spellings)
