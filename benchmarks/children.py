"""What a child process costs a job: ``PYTHONPATH=src python -m benchmarks.children``.

A job that does nothing, from its enqueue to its ``completed``, in milliseconds: in this process, in a child
that is started for it, in one that was started ahead, in one that is used again. Beside it the bare start of
the interpreters. Jobs come one by one with a gap between them, as in a steady stream; the rounds of all cases
are interleaved.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.page import head, keep
from nq_conformance.contract import JobInput
from nq_reference import MemoryProvider
from nq_reference.runtimes import ChildOptions, ChildWorkerOptions

QUEUE = "bench"
GAP_S = 0.3
"""Longer than a start takes: the next child is ready when its job comes."""
HANDLERS = {
    "python": ("noop.py", "def handler(data, ctx):\n    return True\n"),
    "node-isolated": ("noop.mjs", "export default () => true\n"),
}
COLD = "started for its job"
KINDS = {
    COLD: ChildOptions(spares=0),
    "started ahead": ChildOptions(spares=1),
    "used again": ChildOptions(reuse=10_000),
}
Case = Callable[[], Awaitable[Any]]


async def measure(folder: Path, rounds: int) -> dict[str, list[float]]:
    """The milliseconds of each case, ``rounds`` of each after one to warm up."""
    provider = MemoryProvider()
    await provider.init()
    done: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
    provider.on(QUEUE, "completed", lambda payload: done[payload["job_id"]].set())
    cases = {**_bare(), **await _registered(provider, folder, done)}
    found: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, case in cases.items():
            began = time.perf_counter()
            await case()
            if number:
                found[name].append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(GAP_S)
    await provider.close()
    return found


async def _registered(
    provider: MemoryProvider, folder: Path, done: defaultdict[str, asyncio.Event]
) -> dict[str, Case]:
    manager = provider.worker_manager()
    await manager.register_worker(QUEUE, "in this process", _noop)
    names = ["in this process"]
    for runtime, program in _programs().items():
        file, text = HANDLERS[runtime]
        (folder / file).write_text(text, "utf-8")
        for kind, child in KINDS.items():
            names.append(f"{program}, {kind}")
            options = ChildWorkerOptions(runtime=runtime, child=child)  # type: ignore[arg-type]
            await manager.register_worker(QUEUE, names[-1], str(folder / file), options)

    def case(name: str) -> Case:
        async def run() -> None:
            await done[await provider.enqueue(QUEUE, JobInput(name, None))].wait()

        return run

    return {name: case(name) for name in names}


def _programs() -> dict[str, str]:
    found = {"python": "python"}
    return found | ({"node-isolated": "node"} if shutil.which("node") else {})


def _bare() -> dict[str, Case]:
    def case(command: Sequence[str]) -> Case:
        async def run() -> None:
            await asyncio.to_thread(subprocess.run, command, check=True)

        return run

    cases = {"bare: python -c pass": case([sys.executable, "-c", "pass"])}
    return cases | ({"bare: node -e 0": case(["node", "-e", "0"])} if shutil.which("node") else {})


async def _noop(_data: Any, _ctx: Any) -> bool:
    return True


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.children", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder), asked.rounds))
    text = table(found, asked.rounds)
    sys.stdout.write(f"{text}\n")
    if asked.write:
        keep("children", text)


def table(found: Mapping[str, Sequence[float]], rounds: int) -> str:
    """The measured milliseconds, and each median as a part of that of a child started for its job."""
    lines = [
        "### Child processes",
        "",
        head(rounds),
        "",
        "| a job that does nothing | median, ms | worst, ms | of a cold start |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, values in found.items():
        middle = statistics.median(values)
        cold = found.get(f"{name.partition(',')[0]}, {COLD}") if ", " in name else None
        share = f"{middle / statistics.median(cold):.2f}" if cold else "-"
        lines.append(f"| {name} | {middle:.1f} | {max(values):.1f} | {share} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
