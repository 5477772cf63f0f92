"""The table of the queues: it outlives an outage of the server, and shows names as they are."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from rich.console import Console

from nq_conformance.contract import ClosedError, JobCounts, QueueProvider, WorkerOptions
from nq_reference.cli import table
from nq_reference.registry import FoundWorker

BUDGET_S = 10
WORKERS = [FoundWorker(Path("w.py"), 1, "a[/b]", "[red]", WorkerOptions())]


class Flaky:
    """A provider whose answers to ``get_job_counts`` are these, in turn; then it is closed."""

    def __init__(self, answers: list[JobCounts | Exception]) -> None:
        self._answers = iter(answers)

    async def get_job_counts(self, queue: str) -> JobCounts:
        answer = next(self._answers, ClosedError("closed"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def is_paused(self, queue: str) -> bool:
        return True


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[JobCounts | Exception]], list[str]]:
    """What is shown, in turn, while a provider answers like this."""
    monkeypatch.setattr(table, "REFRESH_S", 0)

    def shown(answers: list[JobCounts | Exception]) -> list[str]:
        seen: list[str] = []

        async def refresh() -> None:
            provider = cast("QueueProvider", Flaky(answers))
            with anyio.fail_after(BUDGET_S):
                await table._refresh(provider, WORKERS, lambda view: seen.append(rendered(view)))

        anyio.run(refresh)
        return seen

    return shown


def rendered(view: Any) -> str:
    """A view as text."""
    file = io.StringIO()
    Console(file=file, width=160).print(table._table("nq-worker on [/x]", view))
    return file.getvalue()


@pytest.mark.parametrize("error", [ConnectionRefusedError("refused"), KeyError("refused")])
def test_counts_come_back_after_an_outage(
    views: Callable[[list[JobCounts | Exception]], list[str]], error: Exception
) -> None:
    """Meanwhile the table says so, and shows no counts of before."""
    first, out, still_out, back = views([JobCounts(waiting=41), error, error, JobCounts(waiting=42)])
    assert "41" in first
    for during in (out, still_out):
        assert "refused" in during
        assert "the queues can't be reached: " in during
        assert "41" not in during
        assert "?" in during
    assert "42" in back
    assert "reached" not in back


def test_an_error_without_words_is_told_by_its_name(
    views: Callable[[list[JobCounts | Exception]], list[str]],
) -> None:
    """A timeout has none."""
    (shown,) = views([TimeoutError()])
    assert "can't be reached: TimeoutError; trying again" in shown


def test_names_are_shown_as_they_are(views: Callable[[list[JobCounts | Exception]], list[str]]) -> None:
    """Brackets are no markup: of the queue, of the job, of the title, of what is wrong."""
    sound, wrong = views([JobCounts(), OSError("[/broken]")])
    for text in ("a[/b] (held)", "[red]", "nq-worker on [/x]"):
        assert text in sound
    assert "[/broken]" in wrong


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, whose handlers are as before after the test."""
    logger = logging.getLogger()
    before = logger.handlers
    yield logger
    logger.handlers = before


def test_lines_for_a_terminal_go_above_the_table(root: logging.Logger) -> None:
    """And back to where they went, at its end."""
    stderr, console = _Terminal(), io.StringIO()
    before: list[logging.Handler] = [logging.StreamHandler(stderr)]
    root.handlers = before
    with table._LogAbove(Console(file=console, width=80)):
        root.warning("[/above]")
    assert "[/above]" in console.getvalue()
    assert stderr.getvalue() == ""
    assert root.handlers == before


def test_lines_for_a_file_go_there_also_while_the_table_is_shown(
    root: logging.Logger, tmp_path: Path
) -> None:
    """As with ``nq-worker run queues/ 2>file``."""
    stderr, console = io.StringIO(), io.StringIO()
    root.handlers = [logging.StreamHandler(stderr), logging.FileHandler(tmp_path / "log", delay=True)]
    with table._LogAbove(Console(file=console, width=80)):
        root.warning("elsewhere")
    root.handlers[1].close()
    assert stderr.getvalue() == "elsewhere\n"
    assert (tmp_path / "log").read_text() == "elsewhere\n"
    assert console.getvalue() == ""
