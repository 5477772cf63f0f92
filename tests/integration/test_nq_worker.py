"""The command ``nq-worker``, as processes: workers that run, and commands that ask and feed their queues."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from flow_tools import BUDGET_S, values_for
from nq_worker_tools import NQ_WORKER, arguments, done, environment, folder_of, running, told

pytest_plugins = ["flow_tools"]

ECHO = """
from nq_reference.worker import define_config
config = define_config(queue="echo", runtime="in-process")

async def handler(data, ctx):
    if data == "fail":
        raise ValueError("as asked")
    return data
"""
SLOW = """
import anyio
from nq_reference.worker import define_config
config = define_config(queue="slow", runtime="in-process")

async def handler(data, ctx):
    print("begun", flush=True)
    await anyio.sleep(data)
    return "ended"
"""


@pytest.fixture
def queues(tmp_path: Path) -> Path:
    """A folder of workers."""
    return folder_of(tmp_path, echo=ECHO, slow=SLOW)


@pytest.fixture(params=["sqlite", "redis"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The arguments that say where the queues are."""
    return arguments(values_for(request, str(request.param), tmp_path))


def test_a_job_is_stored_run_and_seen(queues: Path, where: list[str]) -> None:
    """By four processes that share nothing but where the queues are."""
    id = done("enqueue", "echo", "echo", "--data", '{"a": [1, "ü"]}', *where)
    with running(str(queues), *where) as run:
        run.until(f"echo: job {id} completed")
        assert run.end() == 0
    (job,) = json.loads(done("jobs", "echo", "--json", *where))
    assert (job["id"], job["state"], job["returnValue"]) == (id, "completed", {"a": [1, "ü"]})
    assert job["attemptsMade"] == 1
    assert json.loads(done("counts", "echo", "--json", *where))["echo"]["completed"] == 1


def test_a_failure_is_told_with_its_reason(queues: Path, where: list[str]) -> None:
    """In the log of the workers, and in the list of jobs."""
    with running(str(queues), *where) as run:
        id = done("enqueue", "echo", "echo", "--data", '"fail"', *where)
        run.until(f"echo: job {id} failed: as asked")
    assert "failed" in done("jobs", "echo", "--state", "failed", *where)
    assert "as asked" in done("jobs", "echo", *where)


def test_a_held_queue_waits_until_it_is_resumed(queues: Path, where: list[str]) -> None:
    """Also while workers run, in other processes."""
    done("pause", "echo", *where)
    assert json.loads(done("counts", "echo", "--json", *where))["echo"]["held"] is True
    with running(str(queues), *where) as run:
        held = done("enqueue", "echo", "echo", *where)
        canary = done("enqueue", "slow", "slow", "--data", "0", *where)
        run.until(f"slow: job {canary} completed")
        assert held not in run.log
        done("resume", "echo", *where)
        run.until(f"echo: job {held} completed")


def test_a_delayed_job_and_its_options_are_kept(where: list[str]) -> None:
    """Nobody runs it, so that it can be looked at."""
    done(
        "enqueue",
        "echo",
        "echo",
        "--delay",
        "2h",
        "--attempts",
        "3",
        "--priority",
        "7",
        "--job-id",
        "mine",
        *where,
    )
    assert done("enqueue", "echo", "echo", "--job-id", "mine", *where) == "mine"
    (job,) = json.loads(done("jobs", "echo", "--json", *where))
    assert (job["id"], job["state"], job["opts"]["delay"]) == ("mine", "delayed", 7_200_000)
    assert (job["opts"]["attempts"], job["opts"]["priority"]) == (3, 7)
    lines = done("counts", "echo", "none", *where).splitlines()
    assert [line.split()[0] for line in lines] == ["QUEUE", "echo", "none"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_lets_running_handlers_end(queues: Path, where: list[str], number: int) -> None:
    """And the exit code is 0."""
    done("enqueue", "slow", "slow", "--data", "0.5", *where)
    with running(str(queues), *where) as run:
        assert run.process.stdout is not None
        assert run.process.stdout.readline() == b"begun\n"
        assert run.end(number) == 0
    (job,) = json.loads(done("jobs", "slow", "--json", *where))
    assert (job["state"], job["returnValue"]) == ("completed", "ended")


def test_a_second_signal_does_not_wait_for_handlers(queues: Path, tmp_path: Path) -> None:
    """The job is left to be run again."""
    where = ["--adapter", "sqlite", "--url", str(tmp_path / "jobs.sqlite3")]
    done("enqueue", "slow", "slow", "--data", "3600", *where)
    with running(str(queues), *where) as run:
        assert run.process.stdout is not None
        assert run.process.stdout.readline() == b"begun\n"
        run.process.send_signal(signal.SIGTERM)
        run.until("closing; running handlers may end")
        assert run.end() == 0
    (job,) = json.loads(done("jobs", "slow", "--json", *where))
    assert job["state"] in ("active", "waiting")


class Terminal:
    """``nq-worker run`` on a terminal, whose screen is read as it is written."""

    def __init__(self, command: list[str], stderr: Path | None) -> None:
        self.shown = ""
        self._ours, theirs = pty.openpty()
        with nullcontext(theirs) if stderr is None else stderr.open("wb") as told:
            self.process = subprocess.Popen(
                [*NQ_WORKER, "run", *command],
                stdin=theirs,
                stdout=theirs,
                stderr=told,
                env=environment(COLUMNS="140", TERM="xterm"),
            )
        os.close(theirs)

    def until(self, there: Callable[[str], bool]) -> None:
        """Read until ``there`` is true of all that was shown, which is asked whenever there is more."""
        end = time.monotonic() + BUDGET_S
        while not there(self.shown):
            ready, _, _ = select.select([self._ours], [], [], max(0, end - time.monotonic()))
            assert ready, f"not within {BUDGET_S} s: {self.shown}"
            self.shown += os.read(self._ours, 65536).decode()

    def end(self) -> int:
        """Interrupt it; the exit code."""
        self.process.send_signal(signal.SIGINT)
        while select.select([self._ours], [], [], BUDGET_S)[0]:  # a full terminal would hold up its end
            try:
                self.shown += os.read(self._ours, 65536).decode()
            except OSError:  # Linux says so that nobody has the other end any more
                break
        return self.process.wait(BUDGET_S)

    def close(self) -> None:
        """Kill it, if it still runs."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@contextmanager
def on_a_terminal(*command: str, stderr: Path | None = None) -> Iterator[Terminal]:
    """``nq-worker run`` with these arguments; its stderr is the terminal as well, or a file."""
    terminal = Terminal(list(command), stderr)
    try:
        yield terminal
    finally:
        terminal.close()


def test_on_a_terminal_the_queues_are_a_table(queues: Path, tmp_path: Path) -> None:
    """With the jobs that wait and that are done; what is logged stands above."""
    where = ["--adapter", "sqlite", "--url", str(tmp_path / "jobs.sqlite3")]
    done("enqueue", "echo", "echo", *where)
    with on_a_terminal(str(queues), *where) as terminal:
        terminal.until(lambda shown: "completed" in shown and "echo" in shown and "ready: " in shown)
        assert terminal.end() == 0
    assert "nq-worker on sqlite" in terminal.shown


def test_on_a_terminal_a_file_for_stderr_gets_what_is_logged(queues: Path, tmp_path: Path) -> None:
    """And the terminal the table."""
    where = ["--adapter", "sqlite", "--url", str(tmp_path / "jobs.sqlite3")]
    log = tmp_path / "log"
    with on_a_terminal(str(queues), *where, stderr=log) as terminal:
        terminal.until(lambda shown: "completed" in shown and "ready: " in log.read_text())
        assert terminal.end() == 0
    assert "INFO closing; running handlers may end" in log.read_text()
    assert "ready: " not in terminal.shown


def test_the_environment_and_a_file_say_where_the_queues_are(queues: Path, tmp_path: Path) -> None:
    """Arguments win over the environment, the environment over the file."""
    file = tmp_path / "nq.toml"
    file.write_text(f'queues = "{queues.name}"\nadapter = "sqlite"\npath = "{tmp_path / "file.sqlite3"}"\n')
    of_environment = {"NQ_ADAPTER": "file", "NQ_URL": str(tmp_path / "folder")}
    of_file = done("enqueue", "echo", "echo", "--config", str(file))
    with running("--config", str(file)) as run:
        run.until(f"echo: job {of_file} completed")
    stored = told("enqueue", "echo", "echo", "--config", str(file), **of_environment)
    assert stored.returncode == 0
    assert stored.stdout.strip() in told("jobs", "echo", **of_environment).stdout
    other = ["--adapter", "sqlite", "--url", str(tmp_path / "other.sqlite3")]
    assert told("jobs", "echo", "--json", *other, **of_environment).stdout.strip() == "[]"


WRONG: dict[str, tuple[list[str], str]] = {
    "adapter": (
        ["counts", "q", "--adapter", "reddis"],
        "nq-worker: unknown adapter 'reddis'; did you mean 'redis'?",
    ),
    "memory": (["counts", "q"], "nq-worker: the memory adapter's queues end with this command; name another"),
    "server": (["counts", "q", "--adapter", "redis", "--url", "redis://127.0.0.1:1"], "nq-worker: "),
    "address": (
        ["counts", "q", "--adapter", "bullmq", "--url", "localhost:6379"],
        "nq-worker: bullmq adapter: url is no address of a server: it begins with none of redis://",
    ),
    "port": (
        ["events", "f", "--adapter", "postgres", "--url", "postgresql://h:abc/x"],
        "nq-worker: postgres adapter: url is no address of a server: its port is no number",
    ),
    "data": (["enqueue", "q", "n", "--data", "{"], "argument --data: no JSON"),
    "time": (["enqueue", "q", "n", "--delay", "soon"], "'soon' is no time; write it as 500ms, 5s, 2m or 1h"),
    "config": (["counts", "q", "--config", "none.toml"], "nq-worker: none.toml can't be read: No such file"),
    "no folder": (["run"], "nq-worker: name the folder of the workers: nq-worker run queues/"),
    "no flow": (
        ["start", "shpo", ".", "--adapter", "sqlite", "--url", "x"],
        "nq-worker: no step is the entry of a flow 'shpo'; flows with an entry: none",
    ),
    "flow's data": (
        ["start", "shop", ".", "--data", "[]"],
        "a flow begins with an object, such as {}, not []",
    ),
    "flow of memory": (["events", "x"], "nq-worker: the memory adapter's queues end"),
    "folder": (["run", "none"], "nq-worker: none is no folder"),
    "attempts": (
        ["enqueue", "q", "n", "--attempts", "-1", "--adapter", "sqlite", "--url", ":x:"],
        "nq-worker: opts.attempts must be from 0",
    ),
}


@pytest.mark.parametrize(("command", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_in_a_line_and_by_the_exit_code(
    command: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback."""
    monkeypatch.chdir(tmp_path)
    run = told(*command)
    assert run.returncode == 2
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_all_that_is_wrong_with_workers_is_told_before_anything_runs(queues: Path) -> None:
    """A line each."""
    (queues / "one.py").write_text("config = define_config(qeue='x')\n")
    (queues / "two.js").write_text("export const config = make()\n")
    run = told("run", str(queues))
    assert run.returncode == 2
    assert f"nq-worker: {queues}/one.py:1: unknown option 'qeue'" in run.stderr
    assert f"nq-worker: {queues}/two.js:1: config must be defineConfig" in run.stderr


def test_a_handler_that_cannot_be_imported_is_told_in_a_line(queues: Path) -> None:
    """What had been opened before is closed."""
    (queues / "broken.py").write_text(f"{ECHO.replace('echo', 'broken')}\nraise RuntimeError('at import')\n")
    run = told("run", str(queues))
    assert run.returncode == 2
    assert f"nq-worker: {queues}/broken.py: importing it failed: RuntimeError('at import')" in run.stderr
    assert "Traceback" not in run.stderr
