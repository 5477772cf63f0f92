"""A live view of the queues on a terminal."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import anyio
from rich.console import Console
from rich.live import Live
from rich.logging import RichHandler
from rich.table import Table

from nq_conformance.contract import ClosedError, JobCounts, QueueProvider
from nq_reference import background
from nq_reference.cli.commands import STATES
from nq_reference.registry import FoundWorker

REFRESH_S = 0.5


class _Row(NamedTuple):
    queue: str
    names: Sequence[str]
    counts: JobCounts
    held: bool


@asynccontextmanager
async def table(
    provider: QueueProvider, workers: Sequence[FoundWorker], title: Callable[[], str]
) -> AsyncIterator[None]:
    """Show counts of every queue that has a worker here; logs scroll above."""
    console = Console()
    with _LogAbove(console), Live(console=console, auto_refresh=False) as live:

        async def refresh() -> None:
            await _refresh(provider, workers, lambda rows: live.update(_table(title(), rows), refresh=True))

        refreshing = background.spawn_logged(refresh, "nq-table")
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await refreshing.stop()


async def _refresh(
    provider: QueueProvider, workers: Sequence[FoundWorker], show: Callable[[Sequence[_Row]], None]
) -> None:
    names: dict[str, list[str]] = {}
    for worker in workers:
        names.setdefault(worker.queue, []).append(worker.job_name)
    with contextlib.suppress(ClosedError):
        while True:
            counts = [await provider.get_job_counts(queue) for queue in names]
            held = [await provider.is_paused(queue) for queue in names]
            show([_Row(*row) for row in zip(names, names.values(), counts, held, strict=True)])
            await anyio.sleep(REFRESH_S)


def _table(title: str, rows: Sequence[_Row]) -> Table:
    shown = Table(title=title, caption="Ctrl+C ends it; running handlers may end")
    shown.add_column("queue")
    shown.add_column("jobs handled here")
    for state in STATES:
        shown.add_column(state, justify="right")
    for row in rows:
        cells = (str(getattr(row.counts, state) or "") for state in STATES)
        shown.add_row(f"{row.queue} (held)" if row.held else row.queue, ", ".join(row.names), *cells)
    return shown


class _LogAbove:
    """Log lines go through the console while the table is shown, lest they tear it."""

    def __init__(self, console: Console) -> None:
        self._handler = RichHandler(console=console, show_path=False)
        self._others: list[Any] = []

    def __enter__(self) -> None:
        root = logging.getLogger()
        self._others, root.handlers = root.handlers, [self._handler]

    def __exit__(self, *_: object) -> None:
        logging.getLogger().handlers = self._others
