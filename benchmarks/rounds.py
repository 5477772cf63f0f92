"""Takes the measurements in interleaved rounds: each system's first, then each system's second, and so on.

A machine drifts; what is compared must have been measured side by side.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.environments import Environments
from benchmarks.figures import FIGURES, LATENCY, Backend, Figure, jobs_for
from benchmarks.grounds import Ground
from benchmarks.systems import Entry

TIMEOUT_S = 90
"""How long one measurement may take; then it is given up, and shown as missing."""
SHARED: frozenset[Backend] = frozenset({"redis", "postgres", "sqlite"})
"""Backends that several processes share: there, client and worker are two when latencies are taken."""


@dataclass(slots=True)
class Samples:
    """What was measured: a number a round for rates, all of them pooled for latencies."""

    values: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rounds:
    """A run over ``entries``, all of one backend, on its ``ground``."""

    environments: Environments
    entries: Sequence[Entry]
    ground: Ground

    def run(self, rounds: int) -> Samples:
        """All figures of all systems that are installed, ``rounds`` times."""
        samples = Samples()
        present = self._present(samples)
        for number in range(1, rounds + 1):
            for figure in FIGURES:
                for entry in present:
                    self._measure(entry, figure, samples)
                _progress(f"round {number} of {rounds}: {figure.title} done")
        return samples

    def _present(self, samples: Samples) -> list[Entry]:
        lacks = [(entry, self.environments.missing(entry)) for entry in self.entries]
        for entry, lack in lacks:
            if lack:
                _failed(samples, f"{entry.id}: {lack}")
        return [entry for entry, lack in lacks if lack is None]

    def _measure(self, entry: Entry, figure: Figure, samples: Samples) -> None:
        try:
            result = self._result(entry, figure)
        except (subprocess.SubprocessError, RuntimeError) as error:
            _failed(samples, f"{entry.id}, {figure.id}: {error}")
            return
        found = result["values"] if figure is LATENCY else [result["value"]]
        samples.values[entry.id, figure.id] += [value for value in found if value is not None]

    def _result(self, entry: Entry, figure: Figure) -> dict[str, Any]:
        name = f"bench{uuid.uuid4().hex[:12]}"
        spec = {
            "url": self.ground.place(name),
            "name": name,
            "concurrency": figure.concurrency,
            "jobs": jobs_for(figure, entry.backend, entry.share),
        }
        try:
            if figure is LATENCY and entry.backend in SHARED:
                return self._across_processes(entry, spec)
            with self._child(entry, figure.id, spec) as child:
                return _answer(child)
        finally:
            self.ground.clean(name)

    def _across_processes(self, entry: Entry, spec: dict[str, Any]) -> dict[str, Any]:
        with self._child(entry, "latency_worker", spec) as worker:
            assert worker.stdout is not None  # noqa: S101 - it was asked for
            if worker.stdout.readline().strip() != "ready":
                raise RuntimeError("its worker did not start")
            with self._child(entry, "latency_client", spec) as client:
                _answer(client)
                return _answer(worker)

    @contextmanager
    def _child(self, entry: Entry, task: str, spec: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
        child = self.environments.start(entry, task, spec)
        timer = threading.Timer(TIMEOUT_S, child.kill)
        timer.start()
        try:
            yield child
        finally:
            timer.cancel()
            child.kill()
            child.communicate()


def _answer(child: subprocess.Popen[str]) -> dict[str, Any]:
    assert child.stdout is not None  # noqa: S101 - it was asked for
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(f"no result; the child ended with {child.wait()} (killed after {TIMEOUT_S} s?)")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _failed(samples: Samples, failure: str) -> None:
    samples.failures.append(failure)
    _progress(failure)


def _progress(line: str) -> None:
    sys.stderr.write(line + "\n")
