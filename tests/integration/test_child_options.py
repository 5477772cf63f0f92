"""How children are started ahead, used again, limited, and what of the environment they see."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from child_tools import EACH_RUNTIME, HANDLERS, children_of, gone, until, workplace

from nq_conformance.contract import InvalidWorkerError
from nq_reference.runtimes import ChildOptions

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The event loops are told apart elsewhere."""
    return "asyncio"


@EACH_RUNTIME
async def test_each_job_has_a_child_of_its_own(runtime: str) -> None:
    """Also at the same time (RPC-14); the next one is started ahead."""
    async with workplace() as place:
        await place.work(HANDLERS[runtime], runtime, concurrency=3)
        ids = [await place.add({"do": "pid"}) for _ in range(6)]
        pids = [(await place.ended(id)).return_value for id in ids]
        assert len(set(pids)) == 6


@EACH_RUNTIME
async def test_a_child_is_used_again_as_often_as_is_allowed(runtime: str) -> None:
    """And then no more; a handler that raises does not spoil it."""
    async with workplace(options=ChildOptions(reuse=3, spares=0)) as place:
        await place.work(HANDLERS[runtime], runtime)
        pids = [await place.result({"do": "pid"}) for _ in range(2)]
        await place.reason({"do": "fail"})
        pids.append(await place.result({"do": "pid"}))
        assert pids[0] == pids[1] != pids[2]


async def test_a_child_that_hung_or_died_is_not_used_again() -> None:
    """The next job has a new one, at once (RPC-18)."""
    async with workplace(options=ChildOptions(reuse=10, spares=0, kill_grace_ms=200)) as place:
        await place.work(HANDLERS["python"])
        first = await place.result({"do": "pid"})
        assert "timeout" in await place.reason({"do": "wait"}, timeout=500)
        second = await place.result({"do": "pid"})
        assert "code 1" in await place.reason({"do": "leave", "code": 1})
        third = await place.result({"do": "pid"})
        os.kill(third, signal.SIGKILL)
        await gone(third)
        fourth = await place.result({"do": "pid"})
        assert len({first, second, third, fourth}) == 4


async def test_without_spares_no_child_waits() -> None:
    """With one, one does, and it ends with the manager."""
    for spares in (0, 1):
        async with workplace(options=ChildOptions(spares=spares)) as place:
            before = set(children_of(os.getpid()))
            await place.work(HANDLERS["python"])
            await place.result({"do": "pid"})

            async def settled(before: set[int] = before, spares: int = spares) -> bool:
                return len(set(children_of(os.getpid())) - before) == spares + 1  # and the warden

            await until(settled, f"{spares} children that wait")
        assert set(children_of(os.getpid())) <= before


async def test_a_replaced_handlers_children_end() -> None:
    """Only the new one's are left (DSP-05)."""
    others = set(children_of(os.getpid()))  # of tests before this one, such as servers that go on
    async with workplace() as place:
        await place.work(HANDLERS["python"])
        await place.result({"do": "pid"})
        old = set(children_of(os.getpid())) - others
        await place.work(HANDLERS["python"], child=ChildOptions(spares=0))

        async def one_less() -> bool:
            return len(set(children_of(os.getpid())) & old) == 1  # the warden

        await until(one_less, "the end of the replaced handler's child")
        assert await place.result({"do": "give", "result": 1}) == 1


@EACH_RUNTIME
async def test_secrets_of_the_worker_do_not_reach_a_child(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is on the list, named or set."""
    monkeypatch.setenv("REDIS_URL", "redis://user:secret@host")
    monkeypatch.setenv("WANTED", "yes")
    options = ChildOptions(pass_env=["WANTED"], env={"SET": "this"})
    async with workplace(options=options) as place:
        await place.work(HANDLERS[runtime], runtime)
        environment = await place.result({"do": "environment"})
        assert environment["WANTED"] == "yes"
        assert environment["SET"] == "this"
        assert environment["PATH"] == os.environ["PATH"]
        assert "secret" not in str(environment)
        assert "NQ_WORKER_PATH" not in environment


@pytest.mark.skipif(sys.platform != "linux", reason="limits of others' processes are Linux's")
async def test_a_memory_limit_makes_the_handler_fail_by_name() -> None:
    """A MemoryError in the child, not a machine that swaps."""
    async with workplace(options=ChildOptions(memory_limit_mb=512)) as place:
        await place.work(HANDLERS["python"])
        assert await place.result({"do": "fill_memory", "bytes": 1_000_000}) == 1_000_000
        assert "MemoryError" in await place.reason({"do": "fill_memory", "bytes": 1_000_000_000})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"spares": -1}, "child.spares"),
        ({"reuse": 0}, "child.reuse"),
        ({"memory_limit_mb": 0}, "child.memory_limit_mb"),
    ],
)
async def test_options_that_make_no_sense_are_refused(given: dict[str, Any], words: str) -> None:
    """At registration, by name."""
    async with workplace() as place:
        with pytest.raises(InvalidWorkerError, match=words):
            await place.work(HANDLERS["python"], child=ChildOptions(**given))


async def test_importing_the_sdk_loads_nothing_but_the_standard_library(tmp_path: Path) -> None:
    """A child's start is paid by each job."""
    (tmp_path / "loaded.py").write_text(
        "import sys\ndef handler(data, ctx):\n"
        "    return sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))\n"
    )
    async with workplace() as place:
        await place.work(str(tmp_path / "loaded.py"))
        loaded = await place.result(None)
        assert "anyio" not in loaded
        assert "nq_conformance" not in loaded
