"""``python -m loaded``: many runs of the suite for each adapter while the machine is kept busy."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from loaded.busy import busy
from loaded.page import write
from loaded.runs import ADAPTERS, Outcome, make, plan


def main() -> int:
    """Do what the command line asks for; returns 1 if a run had an alarm."""
    asked = _arguments()
    asked.into.mkdir(parents=True, exist_ok=True)
    results = asked.into / "results.jsonl"
    known = {(each.adapter, each.number): each for each in _read(results)}
    with busy(asked.busy):
        for run in plan(asked.adapters or list(ADAPTERS), asked.runs):
            if (run.adapter, run.number) not in known:
                outcome = make(run, asked.into / f"{run.adapter}.log")
                known[run.adapter, run.number] = outcome
                with results.open("a") as file:
                    print(json.dumps(asdict(outcome)), file=file)
                print(outcome, flush=True)
    if asked.write:
        write(list(known.values()))
    return 1 if any(outcome.alarms for outcome in known.values()) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loaded", description=__doc__)
    parser.add_argument("adapters", nargs="*", help=f"of {', '.join(ADAPTERS)}")
    parser.add_argument("--runs", type=int, default=10, help="for each adapter; default: 10")
    parser.add_argument("--busy", type=int, help="processes that compute meanwhile; default: 3 a processor")
    parser.add_argument("--into", type=Path, required=True, help="a folder; runs that are there are kept")
    parser.add_argument("--write", action="store_true", help="put the rows into docs/loaded-runs.md")
    asked = parser.parse_args()
    if unknown := set(asked.adapters) - set(ADAPTERS):
        parser.error(f"no adapter is named {', '.join(sorted(unknown))}; there are {', '.join(ADAPTERS)}")
    return asked


def _read(results: Path) -> Sequence[Outcome]:
    lines = results.read_text().splitlines() if results.exists() else []
    return [Outcome(**json.loads(line)) for line in lines]


if __name__ == "__main__":
    sys.exit(main())
