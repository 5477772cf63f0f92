"""Redis from a program on PATH."""

from __future__ import annotations

import shutil
from pathlib import Path

from nq_conformance.services.errors import UnavailableError
from nq_conformance.services.info import Started
from nq_conformance.services.redis.program import start_program

PROGRAMS = ("redis-server", "valkey-server")


def start(*, lasting: bool = False) -> Started:
    """The first of ``PROGRAMS`` that is on PATH, run for this run; ``lasting`` data outlast its end.

    Raises UnavailableError: none is there, or it does not come up.
    """
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        raise UnavailableError(
            f"neither {' nor '.join(PROGRAMS)} is on PATH",
            "install Redis (apt install redis-server, dnf install redis or brew install redis)",
        )
    program = str(Path(found).absolute())
    return start_program(program, program, lasting=lasting)
