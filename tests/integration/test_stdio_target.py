"""A ``stdio:`` target behind another command: who answers, and that nothing of it is left."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nq_conformance.adapters.errors import TargetError
from nq_conformance.adapters.host import stdio
from nq_conformance.adapters.host.stdio import load_stdio
from nq_conformance.suite.pids import is_running

HOST = shlex.join([sys.executable, "-m", "nq_conformance.adapters.host", "nq_reference:MemoryProvider"])
SLEEP_S = 120
NOT_UNDERSTOOD = "is not understood .*: nothing"


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """Where a command notes the id of a process that it has started, which is ended after the test.
    Nobody is to wait until it ends by itself."""
    mark, began = tmp_path / "pid", time.monotonic()
    yield mark
    pid = mark.read_text() if mark.exists() else ""
    if pid and is_running(int(pid)):
        os.kill(int(pid), signal.SIGKILL)
    assert time.monotonic() - began < SLEEP_S / 2, "somebody waited until the process ended by itself"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has half a minute."""
    monkeypatch.setattr(stdio, "_ANSWER_S", 3.0)


def behind_a_shell(script: str) -> str:
    """A target that is a shell script."""
    return f"stdio:sh -c {shlex.quote(script)}"


def is_gone(mark: Path) -> bool:
    """Whether the noted process has ended, or does within ten seconds."""
    end = time.monotonic() + 10
    while is_running(int(mark.read_text())) and time.monotonic() < end:
        os.sched_yield()
    return not is_running(int(mark.read_text()))


def test_what_a_wrapper_has_started_ends_with_it(mark: Path) -> None:
    """Although it holds the host's stdout and stderr open."""
    adapter = load_stdio(behind_a_shell(f"sleep {SLEEP_S} & echo $! > {mark}; {HOST}; wait"))
    assert adapter.name == "memory"
    assert is_gone(mark)


@pytest.mark.usefixtures("hasty")
def test_a_wrapper_that_says_nothing_is_given_up_with_all_it_has_started(mark: Path) -> None:
    """Its last words are told."""
    script = f"sleep {SLEEP_S} & echo $! > {mark}; echo out of luck >&2; wait"
    with pytest.raises(TargetError, match=f"(?s){NOT_UNDERSTOOD}.*out of luck"):
        load_stdio(behind_a_shell(script))
    assert is_gone(mark)


@pytest.mark.usefixtures("hasty")
def test_a_daemon_that_holds_the_pipes_keeps_nobody_waiting(mark: Path) -> None:
    """It is in a session of its own, where the kit does not look for it."""
    note = "open(sys.argv[1], 'w').write(str(os.getpid()))"
    daemon = f"import os, sys, time; os.setsid(); {note}; time.sleep({SLEEP_S})"
    run = shlex.join([sys.executable, "-c", daemon, str(mark)])
    with pytest.raises(TargetError, match=NOT_UNDERSTOOD):
        load_stdio(behind_a_shell(f"{run} & until [ -s {mark} ]; do sleep 0.01; done"))


def test_a_command_with_a_quotation_that_never_ends_is_refused() -> None:
    """As other targets are that can't be used."""
    with pytest.raises(TargetError, match=r"split into words \(No closing quotation\)\.\nTo mend it: write"):
        load_stdio("stdio:sh -c 'exec host")
