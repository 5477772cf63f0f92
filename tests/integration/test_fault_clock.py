"""Processes whose clock is wrong, and how it is told that there can be none."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nq_conformance.faults import clock
from nq_conformance.faults.clock import WrongClock
from nq_conformance.violation import Inconclusive

SHARED = Path("/dev/shm")
SLACK_S = 5.0
SAYS_THE_TIME = "import sys, time; print(time.time(), time.monotonic(), flush=True); sys.stdin.read()"


@contextmanager
def process(clock: WrongClock) -> Iterator[tuple[subprocess.Popen[str], float, float]]:
    """A process with this clock, and what it told of time of day and monotonic time; it is killed."""
    env = {**os.environ, **clock.env}
    command = [sys.executable, "-c", SAYS_THE_TIME]
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        day_s, monotonic_s = map(float, host.stdout.readline().split())
        try:
            yield host, day_s, monotonic_s
        finally:
            host.kill()


@pytest.mark.needs_faketime
@pytest.mark.parametrize("seconds", [60, -60])
def test_a_process_reads_another_time_of_day_and_measures_as_ever(seconds: int) -> None:
    """It is seen to have the library, and this process is seen not to."""
    with clock.clock_off_by(seconds) as wrong, process(wrong) as (host, day_s, monotonic_s):
        assert abs(day_s - time.time() - seconds) < SLACK_S
        assert abs(monotonic_s - time.monotonic()) < SLACK_S
        wrong.check(host.pid)
        with pytest.raises(Inconclusive, match="does not load"):
            wrong.check(os.getpid())


@pytest.mark.needs_faketime
def test_nothing_is_left_in_shared_memory_by_a_process_that_is_killed() -> None:
    """It could not clean up itself."""
    with clock.clock_off_by(60) as wrong, process(wrong) as (host, *_):
        wrong.check(host.pid)
    assert not [path for path in SHARED.glob("*faketime*") if path.name.endswith(str(host.pid))]


def test_where_the_library_is_absent_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule is then inconclusive, not passed."""
    monkeypatch.setattr(clock, "PLACES", ("/no/such/place",))
    with pytest.raises(Inconclusive, match="apt install faketime"):
        clock.clock_off_by(60).__enter__()


def test_a_library_that_does_nothing_is_found_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By asking a process for the time; the loader ignores a file that is no library."""
    (tmp_path / clock.LIBRARY).write_bytes(b"")
    monkeypatch.setattr(clock, "PLACES", (str(tmp_path),))
    with pytest.raises(Inconclusive, match="libfaketime does not work here"):
        clock.clock_off_by(60).__enter__()
