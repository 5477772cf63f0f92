"""What the lab records of a real adapter is what checkers read, at once and from a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from nq_conformance.adapters.host.client import host_command
from nq_conformance.adapters.loading import load_adapter
from nq_conformance.checkers import Verdict, check
from nq_conformance.contract import JobInput
from nq_conformance.history import History
from nq_conformance.lab import Lab, Run, make_setting
from nq_conformance.report.history_file import read_history, write_history
from nq_conformance.violation import Violation

pytestmark = pytest.mark.anyio
MEMORY = "nq_reference:MemoryProvider"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Both event loops."""
    return str(request.param)


@pytest.fixture
async def lab(anyio_backend: str) -> AsyncIterator[Lab]:
    """A lab on the memory adapter, here and in hosts."""
    history = History()
    command = host_command(MEMORY, None, anyio_backend)
    setting = make_setting("nq_history", history=history)
    async with Lab(load_adapter(MEMORY), setting, history, host_command=command) as lab:
        yield lab


def states(verdicts: list[Verdict]) -> dict[str, str]:
    """By checker."""
    return {verdict.checker: verdict.state for verdict in verdicts}


async def test_all_checkers_hold_for_an_eventful_test(lab: Lab, tmp_path: Path) -> None:
    """One slot, a retry, a pause: each checker has something to judge. The stored history says the same."""
    queue = await lab.queue()
    await queue.listen("stalled")
    completed = await queue.listen("completed")

    async def body(run: Run) -> Any:
        if run.mark == 2 and run.ctx.attempt == 1:
            raise RuntimeError("not yet")

    await queue.work(lab.handler(body))
    await queue.add_marked(1, 2, 3, attempts=2)
    await completed.heard(3)
    await queue.pause()
    await queue.add_marked(4)
    await queue.resume()
    await completed.heard(4)
    await queue.counts()
    lab.check_history()
    live = check(lab.history.entries)
    assert set(states(live).values()) == {"holds"}, live
    write_history(tmp_path / "history.jsonl", lab.history.entries, {})
    assert check(read_history(tmp_path / "history.jsonl")) != []
    assert states(check(read_history(tmp_path / "history.jsonl"))) == states(live)


async def test_a_host_is_told_from_this_process(lab: Lab) -> None:
    """By its calls, its runs and its end; each process has its own slots."""
    host = await lab.host()
    queue = await lab.queue(provider=await host.provider())
    handler = lab.handler(gate=lab.gate())
    await queue.work(handler, manager=await host.manager(), concurrency=2)
    await queue.add()
    await handler.started(1)
    await host.kill()
    told = [(e.kind, e.label) for e in lab.history.entries if e.facts.get("process") == "host 1"]
    assert told == [
        ("call", "init"),
        ("call", "register_worker"),
        ("call", "enqueue"),
        ("start", "handler"),
        ("fault", "killed"),
    ]
    assert states(check(lab.history.entries))["ceiling"] == "holds"


async def test_a_call_that_is_cancelled_is_told(lab: Lab) -> None:
    """Whether it took effect is not known, so that a job which it may have made is no stranger."""
    host = await lab.host()
    queue = await lab.queue(provider=await host.provider())
    host.freeze()
    async with anyio.create_task_group() as group:
        group.start_soon(queue.add)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    (entry,) = lab.history.of("call", "enqueue")
    assert (entry.facts["outcome"], entry.job_id) == ("cancelled", None)


async def test_a_breach_is_a_violation_with_its_witness(lab: Lab) -> None:
    """Here a job that was enqueued behind the lab's back."""
    queue = await lab.queue()
    handler = await queue.handled()
    id = await queue.provider.raw.enqueue(queue.name, JobInput("job"))
    await handler.finished(1)
    with pytest.raises(Violation) as caught:
        lab.check_history()
    assert "the checker 'unexpected' finds no breach" in caught.value.expected
    assert f"job {id!r} ran, and nobody enqueued it" in caught.value.seen
    assert "start handler" in caught.value.seen
    assert caught.value.jobs == (id,)
