"""``python -m benchmarks``: measure, print the tables, and on demand keep them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import get_args

from benchmarks.environments import DEFAULT, Environments
from benchmarks.figures import Backend
from benchmarks.page import keep
from benchmarks.section import TITLES, Measured, Section
from benchmarks.systems import SYSTEMS, Entry


def main() -> None:
    """Measure what the command line asks for. Ends with 1 if something could not be measured."""
    asked = _arguments()
    environments = Environments(asked.environments.resolve())
    found: dict[Backend, Measured] = {}
    for backend, entries in _sections(asked.only, asked.systems).items():
        sys.stderr.write(f"{TITLES[backend]}: {', '.join(entry.id for entry in entries)}\n")
        measured = found[backend] = Section(backend, entries, environments, asked.rounds).measure()
        sys.stdout.write(f"{measured.text}\n\n")
        sys.stdout.flush()
        if asked.write and measured.text:
            keep(backend, measured.text)
    failures = [failure for measured in found.values() for failure in measured.samples.failures]
    if asked.json:
        _keep(asked.json, found, failures)
    sys.stderr.writelines(f"not measured: {failure}\n" for failure in failures)
    sys.exit(1 if failures else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help=f"sections with commas between them, of {','.join(TITLES)}")
    parser.add_argument("--systems", help="ids with commas between them, such as nq_redis,saq_redis")
    parser.add_argument("--json", type=Path, help="a file for all single values")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    parser.add_argument("--environments", type=Path, default=DEFAULT, help="what benchmarks.setup filled")
    return parser.parse_args()


def _sections(only: str | None, systems: str | None) -> dict[Backend, list[Entry]]:
    """The chosen systems by section, in the order of the page; none without a system."""
    backends = _chosen(only, list(get_args(Backend)), "section")
    ids = _chosen(systems, [entry.id for entry in SYSTEMS], "system")
    chosen = [entry for entry in SYSTEMS if entry.id in ids and entry.backend in backends]
    sections = {backend: [entry for entry in chosen if entry.backend == backend] for backend in TITLES}
    return {backend: entries for backend, entries in sections.items() if entries}


def _chosen(asked: str | None, known: list[str], what: str) -> list[str]:
    chosen = asked.split(",") if asked else known
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        sys.exit(f"no {what} {', '.join(unknown)}; there are {', '.join(known)}")
    return chosen


def _keep(path: Path, found: dict[Backend, Measured], failures: list[str]) -> None:
    values = {
        "/".join(key): numbers
        for measured in found.values()
        for key, numbers in measured.samples.values.items()
    }
    path.write_text(json.dumps({"values": values, "failures": failures}), "utf-8")


if __name__ == "__main__":
    main()
