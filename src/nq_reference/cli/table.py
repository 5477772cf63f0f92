"""A live view of the queues on a terminal."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import anyio
from rich.console import Console
from rich.live import Live
from rich.logging import RichHandler
from rich.table import Table
from rich.text import Text

from nq_conformance.contract import ClosedError, JobCounts, QueueProvider
from nq_reference import background
from nq_reference.cli.commands import STATES
from nq_reference.registry import FoundWorker

REFRESH_S = 0.5
_ENDING = "Ctrl+C ends it; running handlers may end"
_log = logging.getLogger("nq_reference.cli")


class _Row(NamedTuple):
    """``counts`` is ``None`` where the backend does not tell."""

    queue: str
    names: Sequence[str]
    counts: JobCounts | None
    held: bool


class _View(NamedTuple):
    """The rows, or what keeps the backend from giving them."""

    rows: Sequence[_Row]
    problem: str = ""


@asynccontextmanager
async def table(
    provider: QueueProvider, workers: Sequence[FoundWorker], title: Callable[[], str]
) -> AsyncIterator[None]:
    """Show counts of every queue that has a worker here; logs scroll above."""
    console = Console()
    with _LogAbove(console), Live(console=console, auto_refresh=False) as live:

        async def refresh() -> None:
            await _refresh(provider, workers, lambda view: live.update(_table(title(), view), refresh=True))

        refreshing = background.spawn_logged(refresh, "nq-table")
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await refreshing.stop()


async def _refresh(
    provider: QueueProvider, workers: Sequence[FoundWorker], show: Callable[[_View], None]
) -> None:
    """Until the provider is closed, also while its backend can't be reached."""
    names: dict[str, list[str]] = {}
    for worker in workers:
        names.setdefault(worker.queue, []).append(worker.job_name)
    before = ""
    while True:
        try:
            view = _View(await _rows(provider, names))
        except ClosedError:
            return
        except Exception as error:
            view = _unreachable(names, error)
            if view.problem != before:
                _log.debug("%s", view.problem, exc_info=True)
        before = view.problem
        show(view)
        await anyio.sleep(REFRESH_S)


async def _rows(provider: QueueProvider, names: Mapping[str, Sequence[str]]) -> Sequence[_Row]:
    counts = [await provider.get_job_counts(queue) for queue in names]
    held = [await provider.is_paused(queue) for queue in names]
    return [_Row(*row) for row in zip(names, names.values(), counts, held, strict=True)]


def _unreachable(names: Mapping[str, Sequence[str]], error: Exception) -> _View:
    """The queues without the counts of before, which may no longer be true."""
    rows = [_Row(queue, jobs, None, held=False) for queue, jobs in names.items()]
    reason = " ".join(str(error).split()) or type(error).__name__
    return _View(rows, f"the queues can't be reached: {reason}; trying again")


def _table(title: str, view: _View) -> Table:
    caption = Text(_ENDING, style="table.caption")
    if view.problem:
        caption = Text.assemble((view.problem, "bold red"), "\n", caption)
    shown = Table(title=Text(title, style="table.title"), caption=caption)
    shown.add_column("queue")
    shown.add_column("jobs handled here")
    for state in STATES:
        shown.add_column(state, justify="right")
    for row in view.rows:
        queue = f"{row.queue} (held)" if row.held else row.queue
        shown.add_row(
            Text(queue), Text(", ".join(row.names)), *(_cell(row.counts, state) for state in STATES)
        )
    return shown


def _cell(counts: JobCounts | None, state: str) -> str:
    return "?" if counts is None else str(getattr(counts, state) or "")


class _LogAbove:
    """Log lines go through the console while the table is shown, lest they tear it; those that go
    elsewhere, as where stderr is a file, go there as before."""

    def __init__(self, console: Console) -> None:
        self._handler = RichHandler(console=console, show_path=False)
        self._others: list[logging.Handler] = []

    def __enter__(self) -> None:
        root = logging.getLogger()
        self._others, elsewhere = root.handlers, [each for each in root.handlers if not _on_terminal(each)]
        root.handlers = elsewhere if len(elsewhere) == len(self._others) else [*elsewhere, self._handler]

    def __exit__(self, *_: object) -> None:
        logging.getLogger().handlers = self._others


def _on_terminal(handler: logging.Handler) -> bool:
    stream = getattr(handler, "stream", None)
    return stream is not None and bool(stream.isatty())
