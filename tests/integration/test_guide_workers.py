"""The guide to running workers is true: its commands run, in its order, and show what it shows."""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from flow_tools import until
from nq_worker_tools import done, running, started, told

from nq_reference.config.adapters import ADAPTERS
from nq_reference.config.options import options_of
from nq_reference.pool.events import PoolEventType

pytest_plugins = ["flow_tools"]

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "guides" / "running-workers.md").read_text()
LINES = [shlex.split(line) for line in re.findall(r"^    nq-worker (.*)$", TEXT, re.MULTILINE)]
POOLS = [line for line in LINES if line[0] == "pool"]
COMMANDS = [line for line in LINES if line[0] != "pool"]
SHOWN = re.findall(r"^```text\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """As the guide has it: the examples' folder here, the place of the queues in the environment."""
    shutil.copytree(ROOT / "examples" / "queues", tmp_path / "queues")
    monkeypatch.chdir(tmp_path)
    line = re.search(r"^    export (.*)$", TEXT, re.MULTILINE)
    assert line is not None
    return dict(each.split("=") for each in line[1].split())


@pytest.mark.needs_node
def test_the_guides_commands_run_in_their_order(exported: dict[str, str]) -> None:
    """With what each of them shows."""
    first, run, *others, start, events = COMMANDS
    id = done(*first, **exported)
    assert run[0] == "run"
    with running(*run[1:], **exported) as workers:
        workers.until(f"hello: job {id} completed")
        printed = {command[0]: done(*command, **exported) for command in others}
        assert f"{printed['counts']}\n" == SHOWN[0]
        assert "Hello, Ada!" in printed["jobs"]
        flow_id = done(*start, **exported)
        workers.until("published: job ")
        happened = done(*events[:-1], flow_id, **exported)
        assert workers.end() == 0
    lines = [line.split()[:2] for line in happened.splitlines()]
    assert [line for line in SHOWN[1].splitlines() if line.split() not in lines] == []


@pytest.mark.anyio
@pytest.mark.needs_node
@pytest.mark.parametrize("command", POOLS, ids=" ".join)
async def test_the_guides_pools_run_its_workers(exported: dict[str, str], command: list[str]) -> None:
    """In other processes than that of the pool, which end with it."""
    id = done("enqueue", "hello", "hello", "--data", '{"name": "Ada"}', **exported)
    with started(*command, **exported) as pool:
        pool.until("worker.started")
        pool.until("ready: ")

        async def greeted() -> bool:
            return "Hello, Ada!" in done("jobs", "hello", **exported)

        await until(greeted, "a worker runs the job")
        assert pool.end() == 0
        pool.until("worker.stopped 1")
    assert id in done("jobs", "hello", "--state", "completed", **exported)


def test_the_guides_events_of_a_pool_are_those_that_there_are() -> None:
    """By their names."""
    (shown,) = re.findall(r"^```console\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert {line.split()[0] for line in shown.splitlines()} <= set(get_args(PoolEventType))


def test_the_guides_file_is_toml_that_the_adapter_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the server is not there."""
    (file,) = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert tomllib.loads(file)["adapter"] == "postgres"
    monkeypatch.chdir(tmp_path)
    Path("nq.toml").write_text(file.replace("127.0.0.1", "127.0.0.1:1"))
    run = told("counts", "hello", "--config", "nq.toml")
    assert run.returncode == 2
    assert "Connect" in run.stderr


def test_the_guides_table_has_all_options_of_every_adapter() -> None:
    """And no others."""
    for name, kind in ADAPTERS.items():
        row = re.search(rf"^\| `{name}` \|.*\|(.*)\|$", TEXT, re.MULTILINE)
        assert row is not None
        known = set(options_of(kind)) - {kind.location, "close_timeout_ms"}
        assert set(re.findall(r"`(\w+)`", row[1])) == known
