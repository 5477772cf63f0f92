"""Something else to do for the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SPIN = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(100_000))"
"""Ends with whoever has started it, however that ends."""


@contextmanager
def busy(processes: int | None = None) -> Iterator[None]:
    """So many processes compute meanwhile; three for each processor, if no number is given."""
    count = 3 * (os.cpu_count() or 1) if processes is None else processes
    spinning = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for each in spinning:
            each.kill()
            each.wait()
