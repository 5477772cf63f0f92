"""``nq-worker pool``, as processes: many jobs while workers are killed, growing, shrinking, and its end."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from flow_tools import values_for
from nq_worker_tools import Running, arguments, done, folder_of, started, told
from waiting import within

from nq_conformance.contract import JobInput
from nq_conformance.suite.pids import is_running
from nq_reference.factory import adapter_config, create_provider

pytest_plugins = ["flow_tools"]

BUDGET_S = 120.0
until = within(BUDGET_S)
JOBS = 10_000
FREE = 5_000
KILLS = 4
COUNTED = f"""
import os
from pathlib import Path

import anyio
from nq_reference.worker import define_config

config = define_config(
    queue="counted",
    runtime="in-process",
    worker={{"concurrency": 10, "lock_duration_ms": 1_000, "max_stalled_count": 20}},
)
HERE = Path(__file__).parent
RUNS = os.open(HERE / "runs", os.O_WRONLY | os.O_APPEND | os.O_CREAT)


async def handler(data, ctx):
    os.write(RUNS, str(data).encode() + bytes([10]))
    await anyio.sleep(0.02)
    while data >= {FREE} and not (HERE / "killed").exists():
        await anyio.sleep(0.05)
"""
ENDLESS = """
import anyio
from nq_reference.worker import define_config

config = define_config(queue="endless", runtime="in-process")


async def handler(data, ctx):
    print("begun", flush=True)
    await anyio.sleep_forever()
"""


@pytest.fixture
def anyio_backend() -> str:
    """The servers' clients need asyncio."""
    return "asyncio"


GATED = """
from pathlib import Path

import anyio
from nq_reference.worker import define_config

config = define_config(queue="gated", runtime="in-process")


async def handler(data, ctx):
    print("begun", flush=True)
    while not Path(data).exists():
        await anyio.sleep(0.01)
    return "ended"
"""
IDLE = """
from nq_reference.worker import define_config

config = define_config(queue="idle", runtime="in-process", worker={"autorun": False})


async def handler(data, ctx): ...
"""


@pytest.fixture
def queues(tmp_path: Path) -> Path:
    """A folder of workers."""
    return folder_of(tmp_path, counted=COUNTED, endless=ENDLESS, gated=GATED, idle=IDLE)


@pytest.fixture
def sqlite(tmp_path: Path) -> list[str]:
    """The arguments for queues in a file."""
    return ["--adapter", "sqlite", "--url", str(tmp_path / "jobs.sqlite3")]


class Crew:
    """A pool that runs, and the processes that it has told of."""

    def __init__(self, run: Running) -> None:
        self.run = run

    @property
    def pids(self) -> list[int]:
        """All that were ever started, in order."""
        return [int(pid) for pid in re.findall(r"worker\.started \d+ \(pid (\d+)\)", self.run.log)]

    @property
    def running(self) -> list[int]:
        return [pid for pid in self.pids if is_running(pid)]


@contextmanager
def pool(*command: str) -> Iterator[Crew]:
    """``nq-worker pool``, once it has started; at the end none of its processes is left."""
    with started("pool", *command) as run:
        crew = Crew(run)
        run.until("pool.started")
        yield crew
    assert not crew.running


@pytest.mark.anyio
@pytest.mark.parametrize("adapter", ["redis", "postgres"])
async def test_every_job_runs_once_while_the_pool_grows_loses_workers_and_shrinks(
    request: pytest.FixtureRequest, adapter: str, queues: Path, tmp_path: Path
) -> None:
    """Ten thousand jobs: four processes at the height, some of them killed, and one at the end. What ran
    twice was told as stalled, of a process that had been killed. Half of the jobs end after the last kill
    only, so that however fast the jobs or slow the processes' starts, each kill meets a backlog."""
    values = values_for(request, adapter, tmp_path)
    size = ["--min", "1", "--max", "4", "--target", "1s", "--cool-down", "1s", "--look-every", "200ms"]
    stalled: Counter[str] = Counter()
    completed: Counter[str] = Counter()
    provider = create_provider(adapter_config(values))

    async def all_completed() -> bool:
        return len(completed) == JOBS

    await provider.init()
    try:
        for event, counter in (("stalled", stalled), ("completed", completed)):
            await listening(provider, event, counter)
        ids = await enqueued(provider)
        with pool(str(queues), *arguments(values), *size, "--quiet") as crew:
            await until_told(crew, "workers=4")
            await kill_some(crew)
            (queues / "killed").touch()
            await until(all_completed, f"{JOBS} jobs are completed")
            await until_told(crew, "workers=1 before=4 reason=idle")
            assert crew.run.end() == 0
        counts = await provider.get_job_counts("counted")
    finally:
        await provider.close()
    assert (counts.completed, counts.failed, counts.waiting, counts.active) == (JOBS, 0, 0, 0)
    assert set(completed.values()) == {1}
    runs = Counter((queues / "runs").read_text().split())
    again = {ids[int(number)]: count - 1 for number, count in runs.items() if count > 1}
    assert len(runs) == JOBS
    assert all(count <= stalled[id] for id, count in again.items())
    assert sum(stalled.values()) > 0, "no kill met a running job"


async def listening(provider: Any, event: str, counter: Counter[str]) -> None:
    subscription = provider.on("counted", event, lambda payload: counter.update([payload["job_id"]]))
    await subscription.ready()


async def enqueued(provider: Any) -> list[str]:
    """The ids of all jobs, by the number in their data."""
    ids = [""] * JOBS

    async def enqueue(number: int) -> None:
        ids[number] = await provider.enqueue("counted", JobInput("counted", number))

    for first in range(0, JOBS, 1_000):
        async with anyio.create_task_group() as tasks:
            for number in range(first, first + 1_000):
                tasks.start_soon(enqueue, number)
    return ids


async def kill_some(crew: Crew) -> None:
    """One after the other, each time the oldest, once all that were started are told of."""
    for kill in range(KILLS + 1):
        await until_told(crew, "worker.started", times=4 + kill)
        if kill < KILLS:
            os.kill(crew.running[0], signal.SIGKILL)


async def until_told(crew: Crew, text: str, times: int = 1) -> None:
    await anyio.to_thread.run_sync(crew.run.until, text, times)


@pytest.mark.anyio
async def test_a_worker_whose_pool_is_killed_ends_by_itself(queues: Path, sqlite: list[str]) -> None:
    """Nobody is left to stop it."""
    with pool(str(queues), *sqlite, "--workers", "2") as crew:
        crew.run.until("ready: ", times=2)
        assert crew.run.end(signal.SIGKILL) == -signal.SIGKILL

        async def all_ended() -> bool:
            return not crew.running

        await until(all_ended, "the pool's workers end")


def test_a_second_signal_kills_workers_whose_handlers_do_not_end(queues: Path, sqlite: list[str]) -> None:
    """The first lets them try."""
    done("enqueue", "endless", "endless", *sqlite)
    with pool(str(queues), *sqlite) as crew:
        assert crew.run.process.stdout is not None
        assert crew.run.process.stdout.readline() == b"begun\n"
        crew.run.process.send_signal(signal.SIGINT)
        crew.run.until("pool.stopping")
        assert crew.run.end(signal.SIGINT) == 0
    assert is_stored(sqlite)


def test_a_worker_that_is_told_to_end_more_than_once_lets_its_handlers_end(
    queues: Path, sqlite: list[str], tmp_path: Path
) -> None:
    """As by systemd, which tells the pool and its workers, and then the pool tells them again."""
    gate = tmp_path / "gate"
    id = done("enqueue", "gated", "gated", "--data", json.dumps(str(gate)), *sqlite)
    with pool(str(queues), *sqlite) as crew:
        assert crew.run.process.stdout is not None
        assert crew.run.process.stdout.readline() == b"begun\n"
        crew.run.until("worker.started")
        os.kill(crew.pids[0], signal.SIGTERM)
        crew.run.until("closing; running handlers may end")
        os.kill(crew.pids[0], signal.SIGTERM)
        crew.run.process.send_signal(signal.SIGTERM)
        crew.run.until("pool.stopping")
        assert done("counts", "gated", *sqlite)  # meanwhile both signals have had their time
        gate.touch()
        assert crew.run.process.wait(BUDGET_S) == 0
    assert id in done("jobs", "gated", "--state", "completed", *sqlite)


def test_a_queue_that_no_worker_starts_needs_no_more_workers(queues: Path, sqlite: list[str]) -> None:
    """They would not run its jobs either."""
    for _ in range(5):
        done("enqueue", "idle", "idle", *sqlite)
    done("enqueue", "counted", "counted", "--data", "1", *sqlite)
    with pool(str(queues), *sqlite, "--max", "3", "--look-every", "10ms", "--target", "10ms") as crew:
        crew.run.until("counted: job")
        assert json.loads(done("counts", "idle", "--json", *sqlite))["idle"]["waiting"] == 5
        assert crew.run.end() == 0
        crew.run.until("pool.stopped")
    assert "of idle" not in crew.run.log


def test_a_worker_that_does_not_end_within_the_grace_is_killed(queues: Path, sqlite: list[str]) -> None:
    """And the pool tells it."""
    done("enqueue", "endless", "endless", *sqlite)
    with pool(str(queues), *sqlite, "--grace", "100ms") as crew:
        assert crew.run.process.stdout is not None
        assert crew.run.process.stdout.readline() == b"begun\n"
        assert crew.run.end() == 0
        crew.run.until("worker.killed 1")
    assert is_stored(sqlite)


def is_stored(where: list[str]) -> bool:
    (job,) = json.loads(done("jobs", "endless", "--json", *where))
    return bool(job["state"] == "active")


def test_jobs_that_end_are_told_once_by_a_pool_of_several(queues: Path, sqlite: list[str]) -> None:
    """By the pool, and not by each of its workers."""
    ids = [done("enqueue", "counted", "counted", "--data", str(number), *sqlite) for number in range(3)]
    with pool(str(queues), *sqlite, "--workers", "2") as crew:
        for id in ids:
            crew.run.until(f"counted: job {id} completed")
        crew.run.until("ready: ", times=2)
        assert crew.run.end() == 0
        crew.run.until("pool.stopped")
    assert [crew.run.log.count(f"job {id} completed") for id in ids] == [1, 1, 1]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--workers", "2", "--max", "4"], "--workers is a fixed number"),
        (["--min", "3", "--max", "2"], "min_workers=3 and max_workers=2"),
        (["--min", "0", "--max", "2"], "one worker at least"),
        (["--adapter", "file"], "the queues of file are one process's own"),
        (["--target", "soon"], "is no time"),
        (["--look-every", "0"], "--look-every must be at least 1ms"),
    ],
    ids=["fixed and bounds", "bounds", "no worker", "one process", "time", "look-every"],
)
def test_what_a_pool_cannot_do_is_told_before_anything_starts(
    queues: Path, sqlite: list[str], more: list[str], reason: str
) -> None:
    """With exit code 2."""
    run = told("pool", str(queues), *sqlite, *more)
    assert run.returncode == 2
    assert reason in run.stderr
    assert "pool.started" not in run.stderr
