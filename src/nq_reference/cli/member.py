"""The program of a pool's process: ``nq-worker`` with the arguments given, until its pool is gone.

A pool that is killed can't stop its processes. They notice by their stdin, which ends with it,
and drain as they would on SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading


def main() -> int:
    """Run ``nq-worker`` with this process's arguments; returns its exit code."""
    threading.Thread(target=_follow_the_pool, name="nq pool", daemon=True).start()
    from nq_reference.cli.main import main as nq_worker  # noqa: PLC0415 - not before the pool is followed

    return nq_worker(sys.argv[1:])


def _follow_the_pool() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
