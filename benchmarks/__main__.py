"""``python -m benchmarks``: measure, print the tables, and on demand keep them."""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.environments import DEFAULT, PROJECT, Environments
from benchmarks.figures import Backend
from benchmarks.rounds import Rounds, Samples
from benchmarks.systems import SYSTEMS, Entry
from benchmarks.table import table
from benchmarks.yardstick import round_trips
from nq_conformance.services import start_redis

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PAGE = PROJECT / "docs" / "benchmarks.md"


def main() -> None:
    """Measure what the command line asks for. Ends with 1 if something could not be measured."""
    asked = _arguments()
    entries = _entries(asked.only, asked.systems)
    environments = Environments(asked.environments.resolve())
    redis = start_redis("local")
    try:
        pings = [round_trips(redis.info.url)]
        samples = Rounds(environments, entries, redis.info.url).run(asked.rounds)
        pings.append(round_trips(redis.info.url))
    finally:
        redis.stop()
    server = f"Redis {redis.info.version}"
    text = _text(samples, entries, environments, [_machine(server, pings, asked.rounds)])
    sys.stdout.write(text + "\n")
    if asked.json:
        values = {"/".join(key): found for key, found in samples.values.items()}
        asked.json.write_text(json.dumps({"values": values, "failures": samples.failures}), "utf-8")
    if asked.write:
        _write(text)
    sys.exit(1 if samples.failures else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("redis", "memory"))
    parser.add_argument("--systems", help="ids with commas between them, such as nq_redis,saq_redis")
    parser.add_argument("--json", type=Path, help="a file for all single values")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    parser.add_argument("--environments", type=Path, default=DEFAULT, help="what benchmarks.setup filled")
    return parser.parse_args()


def _entries(only: Backend | None, systems: str | None) -> list[Entry]:
    chosen = systems.split(",") if systems else [entry.id for entry in SYSTEMS]
    unknown = set(chosen) - {entry.id for entry in SYSTEMS}
    if unknown:
        sys.exit(f"no system {', '.join(sorted(unknown))}; there are {', '.join(e.id for e in SYSTEMS)}")
    return [entry for entry in SYSTEMS if entry.id in chosen and only in (None, entry.backend)]


def _machine(server: str, pings: Sequence[float], rounds: int) -> str:
    today = datetime.now(tz=UTC).date().isoformat()
    return (
        f"{today}, {platform.system()}, Python {platform.python_version()}, {server}. Medians of {rounds} "
        f"interleaved rounds. Bare round trips of a blocking socket: "
        f"{min(pings):,.0f} to {max(pings):,.0f}/s."
    )


def _text(samples: Samples, entries: Sequence[Entry], environments: Environments, parts: list[str]) -> str:
    versions = {entry.id: environments.version(entry) for entry in entries}
    titles: dict[Backend, str] = {"redis": "Redis", "memory": "In memory"}
    for backend, title in titles.items():
        if any(entry.backend == backend for entry in entries):
            parts += [f"### {title}", table(samples, entries, backend, versions)]
    if samples.failures:
        parts.append("\n".join(f"- not measured: {failure}" for failure in samples.failures))
    return "\n\n".join(parts)


def _write(text: str) -> None:
    page = PAGE.read_text("utf-8")
    if BEGIN not in page or END not in page:
        sys.exit(f"{PAGE} lacks the lines {BEGIN} and {END} that the tables go between")
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: f"{BEGIN}\n\n{text}\n\n{END}", page), "utf-8")


if __name__ == "__main__":
    main()
