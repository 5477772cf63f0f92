"""Whether a run asks for the suite. Looks at the command line only; imports nothing of ours."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ASKED = pytest.StashKey[bool]()
SUITE_MODULE = "nq_conformance.suite"
SUITE_DIR_VARIABLE = "NQ_SUITE_DIR"
"""For the kit's own tests: another folder of suite files. Rules without a test in it are untested."""

TOO_LATE = (
    "nq-conformance was loaded too late to add its suite. "
    "Load it with -p nq_conformance.plugin, not from a conftest."
)
_NO_ADAPTER = (
    "The conformance suite judges an adapter, and none is given.\n"
    "Add --nq-adapter=mypkg:Provider, or nq_adapter to pytest's configuration."
)


@dataclass(frozen=True, slots=True)
class Request:
    """The suite is wanted; ``add_files`` says that the paths on the command line don't name it."""

    add_files: bool


def suite_dir() -> Path:
    """Where the suite's test files are."""
    other = os.environ.get(SUITE_DIR_VARIABLE)
    return Path(other).resolve() if other else Path(__file__).resolve().parent.parent / "suite"


def has_own_suite() -> bool:
    """Whether the suite is the kit's own and not another folder."""
    return not os.environ.get(SUITE_DIR_VARIABLE)


def read(config: pytest.Config) -> Request | None:
    """What the command line asks for; ``None`` if this run is not about the suite.

    An adapter on the command line asks for the suite unless paths are given; with paths,
    ``--nq-suite`` or the suite's own path does. An adapter in the configuration is a default
    and asks for nothing. Raises ``UsageError`` if the suite is asked for without an adapter.
    """
    given = config.known_args_namespace
    paths: Sequence[str] = given.file_or_dir
    names_suite = any(_names_suite(path, config.invocation_params.dir) for path in paths)
    if not (given.nq_suite or names_suite or (given.nq_adapter and not paths)):
        return None
    if not (given.nq_adapter or config.getini("nq_adapter")):
        raise pytest.UsageError(_NO_ADAPTER)
    return Request(add_files=not names_suite)


def stands_in_the_way(config: pytest.Config) -> bool:
    """Whether an adapter is given, but the hook that adds the suite was never called for us."""
    return ASKED not in config.stash and bool(config.getoption("nq_adapter"))


def only_tells(config: pytest.Config) -> bool:
    """Whether the run only prints pytest's help or version."""
    return bool(config.getoption("help", default=False) or config.getoption("version", default=False))


def _names_suite(text: str, start: Path) -> bool:
    name = text.split("::", 1)[0]
    if name == SUITE_MODULE or name.startswith(f"{SUITE_MODULE}."):
        return True
    return (start / name).resolve().is_relative_to(suite_dir())
