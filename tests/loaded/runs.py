"""Which runs there are, and how one is made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
WAIVERS = ROOT / "tests" / "conformance" / "bullmq-waivers.toml"
ANY_LOOP, ASYNCIO = ("asyncio", "trio", "uvloop"), ("asyncio", "uvloop")
ADAPTERS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "memory": ("MemoryProvider", ANY_LOOP, ()),
    "file": ("FileProvider", ANY_LOOP, ()),
    "sqlite": ("SqliteProvider", ANY_LOOP, ()),
    "redis": ("RedisProvider", ASYNCIO, ("--nq-redis=local",)),
    "postgres": ("PostgresProvider", ASYNCIO, ("--nq-postgres=local",)),
    "bullmq": ("BullMQProvider", ASYNCIO, ("--nq-redis=local", f"--nq-waivers={WAIVERS}")),
}
"""By name: the provider, the event loops that it runs on, and options of its own."""


ALARMS = ("failed", "blocked", "inconclusive")


@dataclass(frozen=True, slots=True)
class Run:
    """One run to make; ``parallel`` ones have two processes of pytest."""

    adapter: str
    number: int
    backend: str
    parallel: bool

    @property
    def seed(self) -> int:
        """For the order of the tests."""
        return self.number * 7919 + 17


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. ``load`` is the machine's load average at its end, over a minute."""

    adapter: str
    number: int
    backend: str
    parallel: bool
    seconds: int
    load: float
    passed: int
    waived: int
    alarms: list[str]
    """Rules that did not pass."""


def plan(adapters: list[str], runs: int) -> Iterator[Run]:
    """The runs in their order: adapters in turn, event loops in turn, parallel every second time."""
    for number in range(1, runs + 1):
        for adapter in adapters:
            loops = ADAPTERS[adapter][1]
            yield Run(adapter, number, loops[(number - 1) % len(loops)], number % 2 == 0)


def make(run: Run, log: Path) -> Outcome:
    """Run the suite from an empty folder, in random order. Its output is added to ``log``."""
    provider, _, options = ADAPTERS[run.adapter]
    began = time.monotonic()
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            *(sys.executable, "-m", "pytest", f"--nq-adapter=nq_reference:{provider}", *options, "-q"),
            *(f"--nq-backend={run.backend}", f"--nq-report={report}", f"--randomly-seed={run.seed}"),
            *(["-n2"] if run.parallel else []),
        ]
        with log.open("a") as output:
            print(f"\n=== {run}", file=output, flush=True)
            subprocess.run(command, cwd=folder, stdout=output, stderr=output, check=False)
        verdicts = _verdicts(report)
    return Outcome(
        **asdict(run),
        seconds=round(time.monotonic() - began),
        load=round(os.getloadavg()[0], 1),
        passed=sum(verdict == "passed" for _, verdict in verdicts),
        waived=sum(verdict == "waived" for _, verdict in verdicts),
        alarms=[f"{rule} {verdict}" for rule, verdict in verdicts if verdict in ALARMS],
    )


def _verdicts(report: Path) -> list[tuple[str, str]]:
    if not report.exists():
        return [("the run", "failed")]
    (judged,) = json.loads(report.read_text())["adapters"]
    return [(row["rule"], row["verdict"]) for row in judged["verdicts"]]
