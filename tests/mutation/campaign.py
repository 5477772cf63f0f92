"""All mutants, some at a time: a pytest plugin that does so in place of running the suite once.

The suite is collected once. Each trial is a fork of this process, so that it begins with pytest
and the kit imported and only the reference still to be.
"""

from __future__ import annotations

import os
import pickle
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pytest

from mutation import reach, subject, trial
from mutation.mutants import Mutant
from mutation.reach import Reach
from mutation.trial import Failures, Fate, Trial
from nq_conformance.suite.together import Together


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant. ``test`` is the one that killed it."""

    path: str
    line: int
    place: str
    change: str
    fate: Fate
    test: str
    seconds: float


class Campaign:
    """Tries ``mutants``, ``jobs`` at a time, and gives each result to ``told``."""

    def __init__(self, mutants: Iterable[Mutant], jobs: int, told: Callable[[Result], None]) -> None:
        self._mutants = mutants
        self._jobs = jobs
        self._told = told
        self._failures = Failures()
        self._kills: dict[tuple[str, str], Counter[str]] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's own."""
        session.config.pluginmanager.register(self._failures)
        items = {item.nodeid: item for item in session.items}
        known = _measured(items, self._failures)
        running: dict[int, tuple[Mutant, Trial, float]] = {}
        for mutant in self._mutants:
            tests = self._in_order(mutant, known)
            if not tests:
                self._told(
                    Result(mutant.path, mutant.line, mutant.place, mutant.change, "not reached", "", 0.0)
                )
                continue
            if len(running) == self._jobs:
                self._take_one(running)
            chosen = [(items[name], known.seconds[name]) for name in tests]
            begun = trial.start(lambda: subject.put_in(mutant), chosen, self._failures)  # noqa: B023 - called at once
            running[begun.pid] = mutant, begun, time.monotonic()
        while running:
            self._take_one(running)
        return True

    def _take_one(self, running: dict[int, tuple[Mutant, Trial, float]]) -> None:
        pid, status = os.wait()
        mutant, ended, began = running.pop(pid)
        fate, test = ended.result(status)
        self._kills.setdefault((mutant.path, mutant.place), Counter())[test] += 1
        seconds = round(time.monotonic() - began, 2)
        self._told(Result(mutant.path, mutant.line, mutant.place, mutant.change, fate, test, seconds))

    def _in_order(self, mutant: Mutant, known: Reach) -> list[str]:
        """The tests that reach it: first those that have killed its neighbours, then the quick."""
        kills = self._kills.get((mutant.path, mutant.place), Counter())
        return sorted(known.tests_of(mutant), key=lambda test: (-kills[test], known.seconds[test]))


def _measured(items: Mapping[str, pytest.Item], failures: Failures) -> Reach:
    """What the tests reach, measured in a fork; raises unless all of them pass there."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        trial.be_quiet()
        subject.forget()
        together = frozenset(name for name, item in items.items() if _is_together(item))
        known = reach.measure(list(items), lambda name: trial.run(items[name]), together)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump((failures.first, known), pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        failed, known = pickle.load(pipe)
    os.wait()
    if failed is not None:
        raise pytest.UsageError(f"the unchanged reference fails {failed}; put that right first")
    assert isinstance(known, Reach)
    return known


def _is_together(item: pytest.Item) -> bool:
    """Whether the suite's ``Together`` has wrapped the test."""
    code = getattr(getattr(item, "obj", None), "__code__", None)
    return code is not None and code.co_qualname.startswith(Together.__name__)
