"""From the arguments to the exit code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

import anyio

from nq_conformance.contract import QueueError
from nq_reference.cli.arguments import parser
from nq_reference.cli.output import OutputClosedError, watched_output

_CLIENTS = {"asyncpg", "redis", "sqlite3"}
"""Whose errors are about the server or file, and not about this program."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 with what is wrong on stderr.

    ``argv`` are the arguments without the program's name (default: those of the process). Bad usage
    and ``--help`` leave by ``SystemExit``, as argparse does.
    """
    arguments = parser().parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if arguments.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    try:
        with watched_output():
            anyio.run(arguments.command, arguments)
            sys.stdout.flush()
    except OutputClosedError:  # a reader that stops early, such as head, is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not _is_told(error):
            raise
        for line in (str(error) or repr(error)).splitlines():
            print(f"nq-worker: {line}", file=sys.stderr)
        return 2
    return 0


def _is_told(error: Exception) -> bool:
    """Whether its message is all that the user needs: no traceback."""
    client = type(error).__module__.partition(".")[0]
    return isinstance(error, QueueError | OSError) or client in _CLIENTS
