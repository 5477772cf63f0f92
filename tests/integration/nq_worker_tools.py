"""``nq-worker`` as processes, for the tests that run it.

Imported by tests before pytest could rewrite its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flow_tools import BUDGET_S, Values

SRC = Path(__file__).parents[2] / "src"
NQ_WORKER = [sys.executable, "-m", "nq_reference.cli"]


def folder_of(place: Path, **workers: str) -> Path:
    """A folder of workers in Python, by the names of their files."""
    folder = place / "queues"
    folder.mkdir()
    for name, text in workers.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NQ_")}
    return {**clean, "PYTHONPATH": str(SRC), **more}


def arguments(values: Values) -> list[str]:
    """What says where the queues are."""
    return [
        part
        for name, value in values.items()
        for part in (f"--{'prefix' if name == 'schema' else name}", str(value))
    ]


def told(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*NQ_WORKER, *command],
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=60,
        check=False,
    )


def done(*command: str, **more: str) -> str:
    """What a command that succeeds prints."""
    run = told(*command, **more)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


class Running:
    """``nq-worker`` as a process, whose lines of log are read as they come."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.log = ""

    def until(self, text: str, times: int = 1) -> None:
        """Read until ``text`` has been told so often."""
        end = time.monotonic() + BUDGET_S
        assert self.process.stderr is not None
        while self.log.count(text) < times:
            ready, _, _ = select.select([self.process.stderr], [], [], max(0, end - time.monotonic()))
            part = os.read(self.process.stderr.fileno(), 65536) if ready else b""
            assert part, f"{text!r} was not told within {BUDGET_S} s:\n{self.log}"
            self.log += part.decode()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(BUDGET_S)


@contextmanager
def running(*command: str, **more: str) -> Iterator[Running]:
    """``nq-worker run`` with these arguments, once it is ready."""
    with started("run", *command, **more) as run:
        run.until("ready: ")
        yield run


@contextmanager
def started(*command: str, **more: str) -> Iterator[Running]:
    """``nq-worker`` with these arguments; killed at the end, if it still runs."""
    process = subprocess.Popen(
        [*NQ_WORKER, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(**more),
    )
    with process:
        try:
            yield Running(process)
        finally:
            process.kill()
