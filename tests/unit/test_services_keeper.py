"""The keeper ends its server, runs its last command and removes the directory, however a run ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nq_conformance.services.errors import ServiceError
from nq_conformance.services.keeper import Conditions, Order
from nq_conformance.services.kept import Kept
from nq_conformance.suite.pids import is_running

BUDGET_S = 10.0
SLEEPER = (sys.executable, "-S", "-c", "import time; time.sleep(600)")
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)"
STUBBORN = (sys.executable, "-S", "-c", f"{DEAF}; time.sleep(600)")


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Poll until ``condition`` holds, at most ``BUDGET_S`` seconds."""
    deadline = time.monotonic() + BUDGET_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {BUDGET_S} s: {what}"
        time.sleep(0.01)


@pytest.fixture
def kept() -> Iterator[Kept]:
    """A keeper with a server that would run for ten minutes."""
    keeper = Kept("redis", command=SLEEPER)
    yield keeper
    keeper.abandon()


def started(keeper: Kept) -> tuple[int, Path]:
    """Process id and directory of the keeper's server."""
    report = keeper.next_report(BUDGET_S)
    assert report is not None
    return report["started"], Path(report["directory"])


def test_an_order_survives_its_way_to_the_keeper() -> None:
    """The order travels as one argument."""
    conditions = Conditions((("initdb", "-D"), ("true",)), (65534, 65534), "password", signal.SIGINT, "/tmp")
    order = Order(7, ("redis-server", "--save", ""), "prefix-", ("docker", "rm"), conditions)
    assert Order.from_json(order.to_json()) == order


def test_the_server_is_gone_after_the_end(kept: Kept) -> None:
    """end returns when the server has ended."""
    pid, _ = started(kept)
    kept.end()
    assert not is_running(pid)


def test_the_directory_is_gone_after_the_end(kept: Kept) -> None:
    """end returns when the server's files are removed."""
    _, directory = started(kept)
    assert directory.is_dir()
    kept.end()
    assert not directory.exists()


def test_a_server_that_ignores_terminate_is_killed() -> None:
    """A server gets its time, and then it goes."""
    kept = Kept("redis", command=STUBBORN)
    pid, directory = started(kept)
    eventually(lambda: "deaf" in (directory / "server.log").read_text(), "the server is deaf")
    kept.end()
    assert not is_running(pid)


def test_a_server_that_is_frozen_is_ended(kept: Kept) -> None:
    """A rule that freezes the server and fails does not leave it behind."""
    pid, _ = started(kept)
    os.kill(pid, signal.SIGSTOP)
    kept.end()
    assert not is_running(pid)


def test_the_end_of_a_server_is_reported() -> None:
    """Who waits for a server to come up hears at once that it won't."""
    kept = Kept("redis", command=(sys.executable, "-S", "-c", "raise SystemExit(3)"))
    started(kept)
    assert kept.next_report(BUDGET_S) == {"exited": 3}
    kept.end()


def test_a_program_that_is_not_there_is_reported() -> None:
    """The keeper says in words what it could not run."""
    kept = Kept("redis", command=("/no/such/program",))
    report = kept.next_report(BUDGET_S)
    assert report is not None
    assert report["failed"].startswith("/no/such/program can't be run: ")
    kept.end()


def test_the_last_command_is_run_at_the_end(tmp_path: Path) -> None:
    """Containers are removed by such a command."""
    mark = tmp_path / "mark"
    kept = Kept("redis", last_command=("/bin/sh", "-c", f"echo done > {mark}"))
    kept.end()
    assert mark.read_text() == "done\n"


def test_a_last_command_that_fails_is_told() -> None:
    """What is left behind must not go unnoticed."""
    kept = Kept("redis", last_command=("/bin/sh", "-c", "echo cannot remove it >&2; exit 1"))
    with pytest.raises(ServiceError, match=r"redis is not fully removed.*: cannot remove it"):
        kept.end()


def test_interrupt_and_hangup_do_not_end_a_server(kept: Kept) -> None:
    """Ctrl-C is the run's to handle, which may still need its server."""
    pid, _ = started(kept)
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(kept.pid, number)
    os.kill(pid, signal.SIGKILL)
    assert kept.next_report(BUDGET_S) == {"exited": -signal.SIGKILL}, "the keeper was still there to tell"


def test_a_keeper_is_in_no_terminals_foreground(kept: Kept) -> None:
    """Its session is its own: the terminal's Ctrl-C goes to the run alone."""
    pid, _ = started(kept)
    assert os.getsid(pid) != os.getsid(0)


def test_a_keeper_told_to_terminate_ends_its_server(kept: Kept) -> None:
    """A machine that shuts down terminates everything; the keeper cleans up even so."""
    pid, directory = started(kept)
    os.kill(kept.pid, signal.SIGTERM)
    eventually(lambda: not is_running(pid) and not directory.exists(), "server and directory are gone")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent's life")
def test_a_server_does_not_outlive_a_killed_keeper(kept: Kept) -> None:
    """Should the keeper itself be killed, the kernel ends the server."""
    pid, directory = started(kept)
    os.kill(kept.pid, signal.SIGKILL)
    eventually(lambda: not is_running(pid), "the server is gone")
    shutil.rmtree(directory)


def test_a_keeper_that_could_not_clean_up_is_told(kept: Kept) -> None:
    """What a killed keeper left behind must not go unnoticed."""
    _, directory = started(kept)
    os.kill(kept.pid, signal.SIGKILL)
    try:
        with pytest.raises(ServiceError, match=r"its keeper ended with status -9 before it had cleaned up"):
            kept.end()
    finally:
        shutil.rmtree(directory)


def test_a_forked_child_that_holds_the_pipe_does_not_keep_the_server_alive(tmp_path: Path) -> None:
    """A run may fork without exec; when it dies, the keeper sees that its parent is another now."""
    told = tmp_path / "told"
    code = (
        "import os, sys, time\n"
        "from nq_conformance.services.kept import Kept\n"
        f"kept = Kept('redis', command={SLEEPER!r})\n"
        "server = kept.next_report(10)['started']\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    time.sleep(600)\n"
        f"open({str(told)!r}, 'w').write(f'{{server}} {{child}}')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    server, child = map(int, told.read_text().split())
    try:
        eventually(lambda: not is_running(server), "the server is gone")
    finally:
        os.kill(child, signal.SIGKILL)


def test_what_prepares_a_server_is_run_before_it_in_its_directory(tmp_path: Path) -> None:
    """In order; the server finds what was made."""
    mark = tmp_path / "mark"
    prepare = (("/bin/sh", "-c", "echo one > a"), ("/bin/sh", "-c", "cat a > b; echo two >> b"))
    command = ("/bin/sh", "-c", f"cat b > {mark}; exec sleep 600")
    kept = Kept("redis", command=command, conditions=Conditions(prepare))
    started(kept)
    eventually(lambda: mark.exists() and mark.read_text() == "one\ntwo\n", "the server ran, on what was made")
    kept.end()


def test_a_failing_preparation_is_told_and_no_server_is_started() -> None:
    """In its own last words."""
    fails = ("/bin/sh", "-c", "echo first; echo no space; exit 7")
    kept = Kept("redis", command=SLEEPER, conditions=Conditions((fails,)))
    assert kept.next_report(BUDGET_S) == {"failed": "/bin/sh ended with exit status 7: no space"}
    kept.end()


def test_a_secret_comes_to_the_server_by_a_file_alone(tmp_path: Path) -> None:
    """Neither by arguments nor by the environment; only its user may read the file."""
    mark = tmp_path / "mark"
    tell = (
        f"{{ cat secret; stat -c ' %a' secret; env | grep -c NQ_KEEPER; }} > {mark}.new; mv {mark}.new {mark}"
    )
    command = ("/bin/sh", "-c", f"{tell}; exec sleep 600")
    kept = Kept("redis", command=command, conditions=Conditions(secret_file="secret"), secret="geheim")
    started(kept)
    eventually(mark.exists, "the server has looked")
    assert mark.read_text() == "geheim 600\n0\n"
    assert b"geheim" not in Path(f"/proc/{kept.pid}/cmdline").read_bytes()
    kept.end()


def test_a_server_is_ended_by_the_signal_it_wants(tmp_path: Path) -> None:
    """Some understand another than SIGTERM as haste."""
    mark = tmp_path / "mark"
    traps = f"trap 'echo interrupted > {mark}; exit 0' INT; trap '' TERM; echo ready > ready"
    script = f"{traps}; while :; do sleep 0.05; done"
    kept = Kept("redis", command=("/bin/sh", "-c", script), conditions=Conditions(stop_signal=signal.SIGINT))
    _, directory = started(kept)
    eventually((directory / "ready").exists, "the trap is set")
    kept.end()
    assert mark.read_text() == "interrupted\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a server as somebody else")
def test_a_server_may_be_run_as_another_user() -> None:
    """It, what prepares it, and its directory are that user's, and no group of ours comes along."""
    conditions = Conditions((("/bin/sh", "-c", "id -u > a; id -G >> a"),), (65534, 65534))
    kept = Kept("redis", command=("/bin/sleep", "600"), conditions=conditions)
    pid, directory = started(kept)
    assert (directory / "a").read_text() == "65534\n65534\n"
    assert (directory.stat().st_uid, Path(f"/proc/{pid}").stat().st_uid) == (65534, 65534)
    kept.end()
