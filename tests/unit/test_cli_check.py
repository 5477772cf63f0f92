"""``nq-conformance check``: what it prints, and its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from told_history import Told

from nq_conformance.cli import main
from nq_conformance.report.history_file import write_history

Output = pytest.CaptureFixture[str]

TWICE = """\
  duplicated  broken        2 judged
      job 'a' succeeded 2 times, and was enqueued once, with no stall told
        +30 ms  call enqueue a on q
        +50 ms  end handler a
        +70 ms  end handler a
"""


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever terminal the tests run in."""
    monkeypatch.setenv("COLUMNS", "100")


def stored(folder: Path, told: Told, name: str = "history.jsonl") -> str:
    """The history in a file."""
    write_history(folder / name, told.entries, {})
    return str(folder / name)


def test_a_history_without_a_breach_is_0(tmp_path: Path, capsys: Output) -> None:
    """What can't be proved is told, and is no breach."""
    told = Told()
    told.done("a")
    told.enqueue("b")
    assert main(["check", stored(tmp_path, told)]) == 0
    out = capsys.readouterr().out
    assert "  duplicated  holds         1 judged\n" in out
    assert "  lost        unknown       2 judged\n      the history ends before it tells the outcome" in out


def test_a_breach_is_1_and_shows_its_witness(tmp_path: Path, capsys: Output) -> None:
    """As a timeline, in whichever of several files it is."""
    right, wrong = Told(), Told()
    right.done("a")
    wrong.enqueue("a")
    wrong.run("a")
    wrong.run("a")
    files = [stored(tmp_path, wrong, "wrong.jsonl"), stored(tmp_path, right, "right.jsonl")]
    assert main(["check", *files]) == 1
    out = capsys.readouterr().out
    assert TWICE in out
    assert [line for line in out.splitlines() if not line.startswith(" ")] == [files[0], "", files[1]]


def test_many_breaches_are_counted(tmp_path: Path, capsys: Output) -> None:
    """Three of a kind are shown."""
    told = Told()
    for job in "abcde":
        told.run(job)
    assert main(["check", stored(tmp_path, told)]) == 1
    assert "… and 2 more" in capsys.readouterr().out


def test_a_malformed_file_is_2(tmp_path: Path, capsys: Output) -> None:
    """The message goes to stderr, and nothing is judged."""
    file = tmp_path / "report.json"
    file.write_text("{}")
    assert main(["check", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"nq-conformance: {file}, line 1: it is no header of a history")
