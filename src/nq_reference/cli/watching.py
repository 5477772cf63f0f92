"""What ``run`` and ``pool`` share: workers of a folder, and how what happens to them is shown."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from nq_conformance.contract import QueueProvider
from nq_reference.cli.lines import lines
from nq_reference.config import ConfigError
from nq_reference.registry import FoundWorker


def require_workers(command: str, folder: Path | None, workers: Sequence[FoundWorker]) -> None:
    """Raises ``ConfigError`` if there is nothing to run."""
    if not workers:
        raise ConfigError(
            f"name the folder of the workers: nq-worker {command} queues/"
            if folder is None
            else f"{folder} has no workers"
        )


def watching(
    arguments: argparse.Namespace,
    provider: QueueProvider,
    workers: Sequence[FoundWorker],
    title: Callable[[], str],
) -> AbstractAsyncContextManager[None]:
    """A context in which the workers' queues are seen: a table on a terminal, else lines of log, and
    with ``--quiet`` neither."""
    if arguments.quiet:
        return contextlib.nullcontext()
    if arguments.plain or not _on_terminal():
        return lines(provider, workers)
    from nq_reference.cli.table import table  # noqa: PLC0415 - needs rich, which is there now

    return table(provider, workers, title)


def _on_terminal() -> bool:
    return sys.stdout.isatty() and importlib.util.find_spec("rich") is not None
