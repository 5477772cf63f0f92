"""What is added to pytest's arguments when the suite is asked for, and to ``sys.path``.

Runs before anything is collected, in the controller and again in every xdist worker.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nq_conformance.plugin import asking
from nq_conformance.requirements import load


def extend(config: pytest.Config, request: asking.Request, args: list[str]) -> None:
    """Make the user's modules importable and add the suite's files to ``args``."""
    for folder in (config.rootpath, config.invocation_params.dir):
        _make_importable(str(folder))
    if request.add_files:
        args += [str(file) for file in suite_files(asking.suite_dir())]


def suite_files(folder: Path) -> list[Path]:
    """The suite's test files, in the catalogue's order of areas, so that what others rest on runs first."""
    order = {area.lower(): place for place, area in enumerate(load().areas)}
    files = folder.glob("test_*.py")
    return sorted(files, key=lambda f: (order.get(f.stem.removeprefix("test_"), len(order)), f.name))


def _make_importable(folder: str) -> None:
    """As ``python -m pytest`` does, so that ``mypkg`` need not be installed."""
    if folder not in sys.path:
        sys.path.insert(0, folder)
