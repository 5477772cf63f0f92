"""The command: ``python -m mutation --help``."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from miniatures.gallery import plugin

from mutation import page
from mutation.campaign import Campaign, Result
from mutation.mutants import Mutant, mutants_of
from mutation.subject import FILES
from mutation.trial import SURVIVORS

_KIT = (
    "--nq-adapter=mutation.subject:Subject",
    "--nq-backend=asyncio",
    "--nq-time-scale=0.5",
    "--nq-seed=1",
    "--capture=no",
    "-pno:cacheprovider",
    "-knot test_rpc and not test_model",
    "-q",
)
_PROGRESS_EVERY = 100


def main() -> int:
    """Run the campaign that the arguments ask for; the exit code tells whether it could be run."""
    options = _options()
    if options.page:
        page.write(_kept(options.page), sum(1 for path in FILES for _ in mutants_of(path)))
        return 0
    home = Path.cwd()
    mutants = _mutants(options)
    tally = Tally(options.results)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        code = pytest.main([*plugin(), *_KIT], plugins=[Campaign(mutants, options.jobs, tally.told)])
        os.chdir(home)
    print(tally)
    return int(code)


class Tally:
    """The results so far, kept in a file, one a line; survivors are printed as they come."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("w")
        self.results: list[Result] = []
        self._fates: Counter[str] = Counter()

    def __str__(self) -> str:
        return f"{len(self.results)} mutants: {', '.join(f'{n} {fate}' for fate, n in self._fates.items())}"

    def told(self, result: Result) -> None:
        """Take one more."""
        self.results.append(result)
        print(json.dumps(asdict(result), ensure_ascii=False), file=self._file, flush=True)
        self._fates[result.fate] += 1
        if result.fate in SURVIVORS:
            print(f"{result.fate}: {result.path}:{result.line} {result.place}: {result.change}", flush=True)
        if len(self.results) % _PROGRESS_EVERY == 0:
            print(self, flush=True)


def _mutants(options: argparse.Namespace) -> Iterator[Mutant]:
    """Those that are asked for; a sample of all is drawn by chance, but the same in each run."""
    paths = [path for path in FILES if not options.only or any(part in path for part in options.only)]
    mutants = (mutant for path in paths for mutant in mutants_of(path))
    if options.again:
        left = {(r.path, r.place, r.change) for r in _kept(options.again) if r.fate in SURVIVORS}
        return (mutant for mutant in mutants if mutant.key in left)
    if options.sample:
        every = list(mutants)
        return iter(random.Random(1).sample(every, min(options.sample, len(every))))
    return mutants


def _kept(file: Path) -> list[Result]:
    return [Result(**json.loads(line)) for line in file.read_text().splitlines()]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("--only", action="append", metavar="PART", help="files whose path contains this")
    parser.add_argument("--sample", type=int, metavar="N", help="so many mutants, drawn from all; 0 is all")
    parser.add_argument(
        "--again", type=Path, metavar="FILE", help="those that have survived in these results"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trials at the same time")
    parser.add_argument(
        "--results",
        type=Path,
        default=Path(os.devnull),
        metavar="FILE",
        help="keep all results here, a line each",
    )
    parser.add_argument("--page", type=Path, metavar="FILE", help="try none; print these results as the page")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
