"""One mutant against the kit, in a process of its own that ends with the first test that fails."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias

import pytest

Fate: TypeAlias = Literal["killed", "timeout", "survived", "not reached"]
SURVIVORS: frozenset[Fate] = frozenset({"survived", "not reached"})
_MEMORY_BYTES = 4 * 2**30
_SPARE_CPU_S = 3.0
_LONGEST_S = 120.0
_SURVIVED = 100


class Failures:
    """A pytest plugin that notes which test fails first."""

    def __init__(self) -> None:
        self.first: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at each phase of each test."""
        if report.failed and self.first is None:
            self.first = report.nodeid


@dataclass(frozen=True, slots=True)
class Trial:
    """A process in which a mutant is put to the test, and the pipe by which it names its killer."""

    pid: int
    pipe: int

    def result(self, status: int) -> tuple[Fate, str]:
        """How the process ended, told by the status that ``os.wait`` gave, and the test that did it."""
        with os.fdopen(self.pipe) as pipe:
            test = pipe.read().rpartition("\n")[2]
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM):
            return "timeout", test
        survived = os.WIFEXITED(status) and os.WEXITSTATUS(status) == _SURVIVED
        return ("survived", "") if survived else ("killed", test)


def start(
    prepare: Callable[[], None], items: Sequence[tuple[pytest.Item, float]], failures: Failures
) -> Trial:
    """Fork; the child calls ``prepare`` and runs the tests, each with the seconds it usually takes."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _child(prepare, items, failures, writing)
    os.close(writing)
    return Trial(pid, reading)


def run(item: pytest.Item) -> float:
    """Run a test with all its hooks; returns how many seconds it took."""
    began = time.monotonic()
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    return time.monotonic() - began


def be_quiet() -> None:
    """Let nothing that this process says be seen."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _child(
    prepare: Callable[[], None], items: Sequence[tuple[pytest.Item, float]], failures: Failures, pipe: int
) -> NoReturn:
    code = 1  # whatever happens here otherwise, the mutant has done it
    try:
        be_quiet()
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        prepare()
        for item, usual_s in items:
            os.write(pipe, f"\n{item.nodeid}".encode())
            # Their signals end the process. What waits for ever is found by the kit's own budgets;
            # here it is about loops that never wait, told by CPU time, which a busy machine leaves alone.
            signal.setitimer(signal.ITIMER_PROF, 10 * usual_s + _SPARE_CPU_S)
            signal.setitimer(signal.ITIMER_REAL, _LONGEST_S)
            run(item)
            if failures.first is not None:
                break
        else:
            code = _SURVIVED
    finally:
        os._exit(code)
