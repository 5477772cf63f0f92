"""All miniatures, and what the suite makes of them in one run."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args

import miniatures
from miniatures.base import AnyMiniature

TESTS = Path(__file__).parents[1]


def all_miniatures() -> list[type[AnyMiniature]]:
    """Every miniature of this package, by the rule that it breaks."""
    for module in pkgutil.iter_modules(miniatures.__path__):
        if not module.name.startswith("test_"):
            importlib.import_module(f"miniatures.{module.name}")
    found = [miniature for base in get_args(AnyMiniature) for miniature in base.__subclasses__()]
    return sorted(found, key=lambda m: (m.breaks, m.__name__))


@dataclass(frozen=True)
class Verdicts:
    """What a report says of one adapter: rule → verdict, and the failures of those that failed."""

    by_rule: dict[str, str]
    failures: dict[str, list[dict[str, Any]]]

    def are(self, verdict: str) -> set[str]:
        """The rules with this verdict."""
        return {rule for rule, v in self.by_rule.items() if v == verdict}


def judge_all(adapters: Sequence[type], folder: Path, *options: str, batch: int) -> dict[str, Verdicts]:
    """As ``judge``, so many adapters a run. The reports stay in ``folder``; runs whose report is there
    already are not made again, so that what was broken off goes on."""
    seen: dict[str, Verdicts] = {}
    for first in range(0, len(adapters), batch):
        some = adapters[first : first + batch]
        report = folder / f"{first:03}" / "report.json"
        report.parent.mkdir(parents=True, exist_ok=True)
        seen |= _read(report) if report.exists() else judge(some, report, *options)
    return seen


def judge(adapters: Sequence[type], report: Path, *options: str) -> dict[str, Verdicts]:
    """Run the suite for ``adapters`` in a process of its own; returns verdicts by adapter name."""
    targets = [f"--nq-adapter={adapter.__module__}:{adapter.__name__}" for adapter in adapters]
    paths = [str(TESTS), *sys.path]
    command = [sys.executable, "-m", "pytest", *plugin(), "-p", "no:cacheprovider", "-q", "--no-header"]
    done = subprocess.run(
        [*command, *targets, f"--nq-report={report}", "--nq-backend=asyncio", *options],
        cwd=report.parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)},
        capture_output=True,
        text=True,
        check=False,
    )
    if not report.exists():
        raise AssertionError(f"no report was written\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return _read(report)


def _read(report: Path) -> dict[str, Verdicts]:
    document = json.loads(report.read_text())
    return {a["name"]: _verdicts(a["verdicts"]) for a in document["adapters"]}


def plugin() -> list[str]:
    """How pytest is told of the kit's plugin where it is not installed."""
    installed = any(e.name == "nq_conformance" for e in entry_points(group="pytest11"))
    return [] if installed else ["-p", "nq_conformance.plugin"]


def _verdicts(rows: list[dict[str, Any]]) -> Verdicts:
    return Verdicts(
        {row["rule"]: row["verdict"] for row in rows},
        {row["rule"]: row["failures"] for row in rows if row["failures"]},
    )
