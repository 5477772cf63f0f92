"""Clocks that are wrong: an environment in which a process reads another time of day.

The library libfaketime, loaded before all others, answers for the system when a program asks for
the date. What measures how long something takes (the monotonic clock, timers) is left alone, as
it is when somebody sets a machine's clock.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nq_conformance.violation import Inconclusive

LIBRARY = "libfaketimeMT.so.1"
PLACES = ("/usr/lib/*/faketime", "/usr/lib64/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")
"""Where distributions and its own makefile put it, as patterns."""
MISSING = (
    f"needs libfaketime for a process with a wrong clock, and {LIBRARY} is in none of {', '.join(PLACES)}: "
    "apt install faketime, or dnf install libfaketime"
)
PROBE_BUDGET_S = 10.0
_TOLERANCE_S = 5.0
_LEFT_BEHIND = ("/dev/shm/faketime_shm_{pid}", "/dev/shm/sem.faketime_sem_{pid}")  # noqa: S108 - its names
_PROBE = "import time; print(time.time(), time.monotonic())"


class WrongClock:
    """A clock that is off. ``env`` is what to set in a process's environment for it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self._processes: list[int] = []

    def check(self, pid: int) -> None:
        """Raise ``Inconclusive`` unless the process ``pid`` has this clock: a program that is linked
        statically reads the true one, whatever its environment says."""
        self._processes.append(pid)
        maps = Path(f"/proc/{pid}/maps")
        if LIBRARY not in maps.read_text(encoding="utf-8", errors="replace"):
            raise Inconclusive(
                f"the adapter's process does not load {LIBRARY}, so that its clock can't be set"
            )

    def clean(self) -> None:
        """Remove what the library keeps in shared memory, which it does not where it is killed."""
        for pid, name in itertools.product(self._processes, _LEFT_BEHIND):
            Path(name.format(pid=pid)).unlink(missing_ok=True)


@contextmanager
def clock_off_by(seconds: int) -> Iterator[WrongClock]:
    """A clock that is ahead by so many seconds, or behind if the number is negative; for processes
    that are started in the block.

    It has been tried out. Raises ``Inconclusive`` where that is not to be had, with what to install.
    """
    library = find_library()
    if library is None:
        raise Inconclusive(MISSING)
    preloaded = os.environ.get("LD_PRELOAD")
    env = {
        "LD_PRELOAD": f"{library}:{preloaded}" if preloaded else str(library),
        "FAKETIME": f"{seconds:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",  # the same, for older releases
    }
    _try_out(env, seconds)
    clock = WrongClock(env)
    try:
        yield clock
    finally:
        clock.clean()


def find_library() -> Path | None:
    """The library, if it is installed in one of ``PLACES``."""
    folders = [folder for place in PLACES for folder in Path("/").glob(place.removeprefix("/"))]
    return next((folder / LIBRARY for folder in folders if (folder / LIBRARY).is_file()), None)


def _try_out(env: Mapping[str, str], seconds: int) -> None:
    command = [sys.executable, "-I", "-S", "-c", _PROBE]
    try:
        told = subprocess.run(  # noqa: S603 - our own Python
            command, env=env, capture_output=True, text=True, timeout=PROBE_BUDGET_S, check=True
        ).stdout.split()
    except (OSError, subprocess.SubprocessError) as error:
        raise Inconclusive(f"libfaketime does not work here: {error}") from None
    ahead_s, ahead_monotonic_s = float(told[0]) - time.time(), float(told[1]) - time.monotonic()
    if abs(ahead_s - seconds) > _TOLERANCE_S or abs(ahead_monotonic_s) > _TOLERANCE_S:
        raise Inconclusive(
            f"libfaketime does not work here: a clock that was to be off by {seconds} s is off by "
            f"{ahead_s:.0f} s, and the monotonic one by {ahead_monotonic_s:.0f} s"
        )
