"""Scripts that speak the protocol by themselves, well or badly, with the standard library."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from child_tools import workplace

from nq_reference.runtimes import ChildOptions

pytestmark = pytest.mark.anyio
PREAMBLE = """
import json, os, sys, time
out = sys.stdout.buffer
def line(message): return json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode() + b"\\n"
def send(data): out.write(data); out.flush()
def read(): return json.loads(sys.stdin.buffer.readline())
def ask(message): send(line(message)); return read()
request = read()
id, data = request["id"], request["params"]["job"]["data"]
def reply(result): send(line({"id": id, "result": result}))
"""


@pytest.fixture
def anyio_backend() -> str:
    """The event loops are told apart elsewhere."""
    return "asyncio"


@pytest.fixture
def script(tmp_path: Path) -> Any:
    """Writes a script that has read its request and goes on with the text."""

    def write(text: str) -> str:
        path = tmp_path / "script.py"
        path.write_text(PREAMBLE + text)
        return str(path)

    return write


async def test_a_reply_that_can_not_be_read_fails_the_attempt(script: Any) -> None:
    """It is nested deeper than JSON is read here; the job does not wait for another."""
    deep = """
send(line({"id": id, "result": "HERE"}).replace(b'"HERE"', b"[" * 100_000 + b"]" * 100_000))
read()
"""
    async with workplace() as place:
        await place.work(script(deep))
        job = await place.run({})
        assert job.state == "failed"
        assert "nested too deep" in (job.failed_reason or "")


async def test_the_request_is_one_line_with_job_and_context(script: Any) -> None:
    """Exactly what is agreed, and nothing else (RPC-01, question 23)."""
    async with workplace() as place:
        await place.work(script("reply(request)"))
        data = {"text": "a\nb", "flowId": "f", "flowName": "n"}
        job = await place.run(data)
        assert job.return_value == {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "execute",
            "params": {
                "job": {"id": job.id, "name": "job", "data": data},
                "context": {
                    "jobId": job.id,
                    "queue": "work",
                    "flowId": "f",
                    "flowName": "n",
                    "stepName": "job",
                    "stepId": "f__job__attempt-1",
                    "attempt": 1,
                },
            },
        }


async def test_frames_cut_anywhere_are_put_together(script: Any) -> None:
    """Byte by byte, inside characters too, and several in one write (RPC-04)."""
    text = """
log = {"method": "ctx.logger.log", "params": {"level": "info", "message": "é🙂"}}
for byte in line(log) + line(log): send(bytes([byte]))
send(line(log) + line(log) + line({"id": id, "result": "🙂"}))
"""
    async with workplace() as place:
        await place.work(script(text))
        assert await place.result(None) == "🙂"
        assert [log["message"] for log in place.around.told("log")] == ["é🙂"] * 4


async def test_eight_mebibytes_go_both_ways(script: Any) -> None:
    """In the payload, and in the result at the same time as a call's answer is written (RPC-05)."""
    big = "é" * (4 * 1024 * 1024)
    async with workplace() as place:
        await place.work(script("reply(data)"))
        assert await place.result(big) == big


async def test_a_line_beyond_the_limit_fails_the_attempt_by_name(script: Any) -> None:
    """A child can't make the worker's memory its own."""
    options = ChildOptions(max_frame_bytes=100_000)
    async with workplace(options=options) as place:
        await place.work(script("reply('x' * 200_000 if data else 'short')"))
        assert "more than 100000 bytes" in await place.reason(True)
        assert await place.result(False) == "short"


async def test_other_output_neither_completes_nor_breaks_the_job(script: Any) -> None:
    """Prints, other JSON, replies that answer nothing (RPC-06, RPC-19)."""
    text = r"""
for noise in (b"hello\n", b"1\n", b"null\n", b"[]\n", b"\n", b"{\n", b"\xff\n", b'{"id":1,"result":0}\n'):
    send(noise)
for wrong in (99, "1", True, None): send(line({"id": wrong, "result": "not asked"}))
reply("right")
reply("again")
"""
    async with workplace() as place:
        await place.work(script(text))
        assert await place.result(None) == "right"


async def test_ten_megabytes_on_stderr_do_not_block_and_are_logged_within_bounds(
    script: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The beginning and the end are in the log (RPC-08)."""
    text = "sys.stderr.write('first\\n' + 'e' * 10_000_000 + '\\nlast\\n'); sys.stderr.flush(); reply(1)"
    async with workplace(options=ChildOptions(spares=0)) as place:
        with caplog.at_level(logging.INFO, "nq_reference.children"):
            await place.work(script(text))
            assert await place.result(None) == 1
            await place.provider.close()
    told = "\n".join(record.getMessage() for record in caplog.records)
    assert "first" in told
    assert told.rstrip().endswith("last")
    assert len(told) < 200_000


async def test_errors_of_calls_are_the_standards(script: Any) -> None:
    """Codes for what is unknown or malformed, silence for notifications, and the job goes on (RPC-16)."""
    text = """
send(line({"method": "no.such", "params": {}}) + line({"method": "ctx.state.get", "params": {}}))
def code(id, method, params):
    answer = ask({"id": id, "method": method, "params": params})
    return [answer["id"] == id, answer.get("error", {}).get("code")]
reply([code(*call) for call in (
    ("a", "no.such", {}), (1, "ctx.state.get", {}), (None, "ctx.state.get", []),
    (1.5, "ctx.state.set", {"key": "k"}), ("b", "ctx.flow.emit", {"trigger": 1}), ("c", 5, {}),
    ("d", "ctx.state.get", {"key": "k"}))])
"""
    async with workplace() as place:
        await place.work(script(text))
        assert await place.result(None) == [
            [True, code] for code in (-32601, -32602, -32602, -32602, -32602, -32600, None)
        ]


async def test_ids_of_parent_and_child_are_independent(script: Any) -> None:
    """The child's request 1 is not the parent's, and is answered under its own id (RPC-15)."""
    text = """
send(line({"id": 1, "method": "ctx.state.get", "params": {"key": "k"}}))
reply([read()])
"""
    async with workplace() as place:
        await place.work(script(text))
        assert await place.result(None) == [{"jsonrpc": "2.0", "id": 1, "result": None}]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"code": -32000, "message": "m", "data": {"type": "T", "traceback": "at T"}}, "m"),
        ({"code": -32000, "message": "", "data": {"type": "T"}}, "T"),
        ("just text", "just text"),
        ({"message": {"a": 1}}, '{"message": {"a": 1}}'),
    ],
)
async def test_error_replies_are_kept_however_badly_made(script: Any, error: Any, reason: str) -> None:
    """Never `[object Object]` (RPC-03)."""
    async with workplace() as place:
        await place.work(script(f"send(line({{'id': id, 'error': {error!r}}}))"))
        assert await place.reason(None) == reason


@pytest.mark.needs_node
async def test_a_node_script_may_speak_by_itself(tmp_path: Path) -> None:
    """One that exports nothing is left alone with stdin and stdout."""
    (tmp_path / "raw.cjs").write_text("""
process.stdin.setEncoding('utf8').on('data', (text) => {
  const { id, params } = JSON.parse(text)
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result: params.job.data }) + '\\n')
})
""")
    async with workplace() as place:
        await place.work(str(tmp_path / "raw.cjs"), "node-isolated")
        assert await place.result({"a": 1}) == {"a": 1}
