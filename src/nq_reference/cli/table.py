"""A live view of the queues on a terminal."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
from rich.console import Console
from rich.live import Live
from rich.logging import RichHandler
from rich.table import Table

from nq_conformance.contract import ClosedError, JobCounts
from nq_reference import background
from nq_reference.app import App
from nq_reference.cli.commands import STATES

REFRESH_S = 0.5


@asynccontextmanager
async def table(app: App) -> AsyncIterator[None]:
    """Show counts of every queue that has a worker here; logs scroll above."""
    console = Console()
    with _LogAbove(console), Live(console=console, auto_refresh=False) as live:
        refreshing = background.spawn_logged(lambda: _refresh(app, live), "nq-table")
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await refreshing.stop()


async def _refresh(app: App, live: Live) -> None:
    queues = tuple(dict.fromkeys(worker.queue for worker in app.workers))
    with contextlib.suppress(ClosedError):
        while True:
            counts = [await app.provider.get_job_counts(queue) for queue in queues]
            held = [await app.provider.is_paused(queue) for queue in queues]
            live.update(_table(app, list(zip(queues, counts, held, strict=True))), refresh=True)
            await anyio.sleep(REFRESH_S)


def _table(app: App, rows: Sequence[tuple[str, JobCounts, bool]]) -> Table:
    shown = Table(
        title=f"nq-worker on {app.provider.name}", caption="Ctrl+C ends it; running handlers may end"
    )
    shown.add_column("queue")
    shown.add_column("jobs handled here")
    for state in STATES:
        shown.add_column(state, justify="right")
    for queue, counts, held in rows:
        names = ", ".join(worker.job_name for worker in app.workers if worker.queue == queue)
        cells = (str(getattr(counts, state) or "") for state in STATES)
        shown.add_row(f"{queue} (held)" if held else queue, names, *cells)
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
