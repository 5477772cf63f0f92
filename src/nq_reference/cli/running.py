"""``nq-worker run``: an App until a signal, seen as a table on a terminal, else as lines of log."""

from __future__ import annotations

import argparse
import importlib.util
import sys

from nq_reference.app import App
from nq_reference.cli.backend import values_of
from nq_reference.cli.lines import lines
from nq_reference.config import ConfigError


async def run(arguments: argparse.Namespace) -> None:
    """Run the workers of a folder until SIGTERM or SIGINT. Raises ``ConfigError``."""
    app = App.from_config(values_of(arguments))
    if not app.workers:
        where = app.config.queues
        raise ConfigError(
            "name the folder of the workers: nq-worker run queues/"
            if where is None
            else f"{where} has no workers"
        )
    if arguments.plain or not _on_terminal():
        await app.run(lines)
        return
    from nq_reference.cli.table import table  # noqa: PLC0415 - needs rich, which is there now

    await app.run(table)


def _on_terminal() -> bool:
    return sys.stdout.isatty() and importlib.util.find_spec("rich") is not None
