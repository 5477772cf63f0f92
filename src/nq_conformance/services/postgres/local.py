"""Postgres from programs of this machine."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from nq_conformance.services.errors import UnavailableError
from nq_conformance.services.info import Started
from nq_conformance.services.postgres.client import OLDEST
from nq_conformance.services.postgres.program import start_program

PROGRAMS = ("initdb", "postgres")
PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, whose PATH has only wrappers
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
"""Where systems put what PATH does not name, as patterns; the number is the version."""


def start() -> Started:
    """The Postgres of ``programs``, run for this run.

    Raises UnavailableError: none is there, or it does not come up.
    """
    folder = programs()
    return start_program(folder, str(folder / "postgres"))


def programs() -> Path:
    """The folder of the ``postgres`` on PATH, or else of the newest of ``PLACES``.

    Raises UnavailableError if none is there.
    """
    folder = _on_path() or _newest()
    if folder is None:
        raise UnavailableError(
            f"{' and '.join(PROGRAMS)} are neither on PATH nor in {', '.join(PLACES)}",
            "install Postgres (apt install postgresql, or brew install postgresql)",
        )
    return folder


def _on_path() -> Path | None:
    found = shutil.which("postgres")
    folder = Path(found).absolute().parent if found else None
    return folder if folder and _is_whole(folder) else None


def _newest() -> Path | None:
    folders = [folder for place in PLACES for folder in Path("/").glob(place.removeprefix("/"))]
    usable = [folder for folder in folders if _is_whole(folder) and _version(folder) >= OLDEST]
    return max(usable, key=_version, default=None)


def _version(folder: Path) -> float:
    """The version in a folder's name; one without a number is the system's current one."""
    number = re.search(r"[0-9]+(\.[0-9]+)?", str(folder))
    return float(number[0]) if number else float("inf")


def _is_whole(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in PROGRAMS)
