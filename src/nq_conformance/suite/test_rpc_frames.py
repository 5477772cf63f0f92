"""RPC: how messages come through pipes, whatever else comes through them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nq_conformance.lab import Lab
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.rules import rule
from nq_conformance.suite.scripted import (
    CHILD,
    Children,
    completed_with,
    each_runtime,
    function,
    in_python,
    running,
    scripted,
    short,
)
from nq_conformance.suite.steps import (
    ID,
    PAYLOAD,
    Part,
    ask,
    call,
    complain,
    halves,
    notice,
    raw,
    receive,
    reply,
    result,
    text,
    write,
)

MIB = 1024 * 1024
LARGE = 8 * MIB
STDERR_BYTES = 10_000_000
MOST_LOGGED = 1_000_000
"""Characters in which the logs may tell of what a child has written to stderr."""

NOISE: dict[str, Part] = {
    "a word": "progress: 10 %\n",
    "an empty line": "\n",
    "a number": "1\n",
    "null": "null\n",
    "a text in JSON": '"done"\n',
    "a list": "[]\n",
    "an object": "{}\n",
    "an object with a result": '{"result":"wrong"}\n',
    "half an object": '{"jsonrpc":"2.0",\n',
    "bytes that are no text": raw(b"\xff\xfe\x00\x80\n"),
    "a long line": "x" * 100_000 + "\n",
    "a reply without jsonrpc": {"frame": {"id": ID, "result": "wrong"}},
    "a reply of JSON-RPC 1.0": {"frame": {"jsonrpc": "1.0", "id": ID, "result": "wrong"}},
    "a reply without an id": {"frame": {"jsonrpc": "2.0", "result": "wrong"}},
}
"""What children have been seen to print, and what looks like a reply and is none."""


@rule("RPC-04")
@each_runtime
@pytest.mark.parametrize("at", ["{", '"result"', "\U0001f680", "}"])
async def test_a_frame_that_is_read_in_two_parts_is_one(lab: Lab, runtime: str, at: str) -> None:
    """The first part comes together with a request, which is answered before the second is written."""
    children = await scripted(lab, runtime)
    whole = "caf\u00e9 \U0001f680"
    head, tail = halves(result(whole), at)
    asked = write(call("first", "ctx.state.get", key="key"), head)
    await children.gives(whole, asked, receive("first"), write(tail), of=f"a reply that is cut behind {at!r}")


@rule("RPC-04")
@each_runtime
async def test_frames_that_come_at_once_are_told_apart(lab: Lab, runtime: str) -> None:
    """Thirty logs, two requests and, after their answers, a log and the reply, each in one write."""
    children = await scripted(lab, runtime)
    logs = [notice("ctx.logger.log", level="info", message=f"line {n} \u00fc") for n in range(31)]
    calls = [call(n, "ctx.state.get", key="key") for n in (1, 2)]
    steps = write(*logs[:30], *calls), receive(1, 2), write(logs[30], result("all of it"))
    await children.gives("all of it", *steps, of="a child that writes many frames at once")
    told = [field_of(event.data, "message") for event in lab.bus.of("log")]
    lab.equal(told, [f"line {n} \u00fc" for n in range(31)], "messages of `log` events, in order")


@rule("RPC-05")
@each_runtime
async def test_a_large_payload_and_a_large_result_come_through(lab: Lab, runtime: str) -> None:
    """8 MiB each, the result in characters of two bytes."""
    children = await scripted(lab, runtime)
    await _gives_much(lab, children, "x" * LARGE, "the child returns its payload")
    script = [reply(text("\u00fc", LARGE // 2))]
    await _gives_much(lab, children, "\u00fc" * (LARGE // 2), "the child makes the result", script)


@rule("RPC-05")
@each_runtime
async def test_large_frames_pass_each_other(lab: Lab, runtime: str) -> None:
    """The child asks for 8 MiB, and writes as much before it reads the answer."""
    children = await scripted(lab, runtime)
    lab.state.oracle = _large_value
    much = notice("ctx.logger.log", level="info", message=text("y", LARGE))
    steps = write(call(1, "ctx.state.get", key="large"), much), receive(1), reply(text("done", 1))
    await children.gives("done", *steps, of="a child that writes 8 MiB before it reads 8 MiB")
    told = [field_of(event.data, "message") for event in lab.bus.of("log")]
    lab.check(told == ["y" * LARGE], "a `log` event with 8 MiB of text", short(told))


@rule("RPC-06")
@each_runtime
async def test_what_a_child_prints_is_not_taken_for_its_reply(lab: Lab, runtime: str) -> None:
    """Noise on stdout, then a request that is answered, then the reply: its result counts."""
    children = await scripted(lab, runtime, concurrency=2)
    steps = [*ask("late", "ctx.state.get", key="key"), reply("right")]
    ids = [await children.start(write(noise), *steps) for noise in NOISE.values()]
    for what, job in zip(NOISE, await children.all_end(ids), strict=True):
        completed_with(lab, job, "right", f"a child that prints {what} before it replies")


@rule("RPC-07")
@in_python
async def test_prints_without_a_newline_leave_the_frames_alone(lab: Lab) -> None:
    """A function that writes to stdout in all ways, before a call and before it returns."""
    children = await running(lab, function("prints"))
    of = "a function that prints without a newline"
    job = await children.ended(await children.queue.add({}), of)
    completed_with(lab, job, "kept and done", of)


@rule("RPC-08")
@each_runtime
@pytest.mark.parametrize("line", ["e" * 999 + "\n", "e" * 1000], ids=["lines", "one-line"])
async def test_a_child_may_write_any_amount_to_stderr(lab: Lab, runtime: str, line: str) -> None:
    """10 MB before it replies."""
    children = await scripted(lab, runtime)
    await children.gives(
        "done", complain(line, STDERR_BYTES // len(line)), reply("done"), of="a child with 10 MB on stderr"
    )


@rule("RPC-21")
@each_runtime
async def test_stderr_is_logged_within_bounds(
    lab: Lab, runtime: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The last line of 10 MB is found in the logs, and the logs have not become as long."""
    children = await scripted(lab, runtime)
    last_words = "the canary in the coal mine has stopped singing"
    with _logged() as lines:
        steps = complain("e" * 999 + "\n", STDERR_BYTES // 1000), complain(f"{last_words}\n"), reply("done")
        await children.gives("done", *steps, of="a child that writes to stderr")
        printed: list[str] = []

        async def is_told() -> bool:
            printed.append(capfd.readouterr().err)
            return any(last_words in told for told in (*lines, *printed, *lab.log, *_log_events(lab)))

        await lab.eventually(
            is_told,
            budget=CHILD,
            expected=f"a log, or stderr of the worker's process, has {last_words!r}",
            seen=lambda: f"{len(lines)} log records without it",
        )
    length = sum(map(len, (*lines, *printed)))
    lab.check(
        length < MOST_LOGGED,
        f"logs of less than {MOST_LOGGED} characters for 10 MB on stderr",
        f"{length} characters",
    )


async def _gives_much(
    lab: Lab, children: Children, wanted: str, what: str, script: list[list[object]] | None = None
) -> None:
    """A job whose result is ``wanted``; with no script, that is its payload."""
    done = len(lab.bus.of("step.completed"))
    data = {"payload": None if script else wanted}
    id = await children.start(*(script or [reply(PAYLOAD)]), data=data)
    await lab.sees(
        lambda: bool(len(lab.bus.of("step.completed")) > done or lab.bus.of("step.failed", "step.retry")),
        budget=CHILD,
        expected=f"an attempt ends in which {what}, 8 MiB",
        seen=lambda: "no event of its end",
    )
    job = await children.ended(id)
    length = len(job.return_value) if isinstance(job.return_value, str) else None
    right = job.state == "completed" and job.return_value == wanted
    seen = f"{job.state}, {length} characters, {short(job.failed_reason)}"
    lab.check(right, f"a job completes in which {what}, {len(wanted)} characters", seen)


async def _large_value(_: str) -> str:
    return "z" * LARGE


@contextmanager
def _logged() -> Iterator[list[str]]:
    """The messages of all log records of this process meanwhile."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    root, keeper = logging.getLogger(), Keeper()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.setLevel(level)
        root.removeHandler(keeper)


def _log_events(lab: Lab) -> list[str]:
    return [repr(event.data) for event in lab.bus.of("log")]
