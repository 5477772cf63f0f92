"""``python -m crash``: many rounds for each adapter, and on demand ``docs/crash-runs.md``."""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from measured import keep_measured, measured

from crash.adapters import CANDIDATES, Candidate, Servers
from crash.session import Result, run_session
from crash.tally import Tally, table
from nq_conformance.checkers import check
from nq_conformance.report.check_text import check_text
from nq_conformance.report.history_file import write_history

PAGE = Path(__file__).parents[2] / "docs" / "crash-runs.md"
SESSION_ROUNDS = 25


def main() -> int:
    """Do what the command line asks for; returns 1 if a checker found a breach."""
    asked = _arguments()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(2**31)
    print(f"seed {seed}")
    chosen = [each for each in CANDIDATES if not asked.adapters or each.name in asked.adapters]
    with Servers() as servers:
        tallies = [_run(each, servers, asked, random.Random(f"{seed} {each.name}")) for each in chosen]
    print(table(tallies))
    if asked.write:
        _write(tallies, seed)
    return 1 if any(tally.broken for tally in tallies) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m crash", description=__doc__)
    parser.add_argument("adapters", nargs="*", help=f"of {', '.join(each.name for each in CANDIDATES)}")
    parser.add_argument("--rounds", type=int, default=200, help="for each adapter; default: 200")
    parser.add_argument(
        "--seed", type=int, help="draws jobs and kills as before; the timing is never the same"
    )
    parser.add_argument("--histories", type=Path, help="a folder for the histories of all sessions")
    parser.add_argument("--write", action="store_true", help="put the rows into docs/crash-runs.md")
    return parser.parse_args()


def _run(candidate: Candidate, servers: Servers, asked: argparse.Namespace, rng: random.Random) -> Tally:
    tally = Tally(candidate.name)
    for first in range(1, asked.rounds + 1, SESSION_ROUNDS):
        last = min(first + SESSION_ROUNDS - 1, asked.rounds)
        with servers.place(candidate) as place:
            result = run_session(candidate, place, last - first + 1, rng.randrange(2**31))
        _judge(result, tally, f"{candidate.name}, rounds {first} to {last}", asked.histories)
    return tally


def _judge(result: Result, tally: Tally, title: str, folder: Path | None) -> None:
    verdicts = check(result.entries)
    tally.add(result, verdicts)
    print(check_text(f"{title}{f': {result.stuck}' if result.stuck else ''}", verdicts), flush=True)
    if folder is not None:
        name = re.sub(r"\W+", "-", title)
        write_history(folder / f"{name}.jsonl", result.entries, {"about": title})


def _write(tallies: Sequence[Tally], seed: int) -> None:
    """Put the rows of these adapters into the page, and leave the others."""
    new = {tally.adapter: line for tally, line in zip(tallies, _lines(tallies), strict=True)}
    rows = {**_rows(), **new}
    ordered = [rows[each.name] for each in CANDIDATES if each.name in rows]
    keep_measured(PAGE, "\n".join([*table([]).splitlines(), *ordered]), f"seed {seed}")


def _lines(tallies: Sequence[Tally]) -> Sequence[str]:
    return table(tallies).splitlines()[2:]


def _rows() -> dict[str, str]:
    """The rows that the page has, by adapter."""
    lines = [line for line in measured(PAGE).splitlines() if line.startswith("| ")][2:]
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines}


if __name__ == "__main__":
    sys.exit(main())
