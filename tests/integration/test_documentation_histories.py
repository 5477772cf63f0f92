"""The guide on histories is true: its example is checked as it says, and with the same result."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nq_conformance.checkers import CHECKERS
from nq_conformance.cli import main

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "checking-histories.md"


def block(language: str) -> str:
    """The guide's one block of code in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture(autouse=True)
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The guide's history, in the folder that its commands are run in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    file = tmp_path / "welcome.jsonl"
    file.write_text(block("jsonl"))
    return file


def test_the_guides_history_is_judged_as_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """To the letter, by the very command."""
    assert "    nq-conformance check welcome.jsonl\n" in GUIDE.read_text()
    assert main(["check", "welcome.jsonl"]) == 1
    assert capsys.readouterr().out == block("text")


def test_with_a_stall_told_all_of_it_holds(example: Path) -> None:
    """As the guide says."""
    stall = {"atMs": 80, "kind": "event", "label": "stalled", "queue": "mail", "jobId": "welcome-17"}
    lines = example.read_text().splitlines()
    lines.insert(6, json.dumps(stall))
    example.write_text("\n".join(lines))
    assert main(["check", "welcome.jsonl"]) == 0


def test_the_guides_python_finds_the_same() -> None:
    """Three checkers."""
    names: dict[str, object] = {}
    exec(block("python"), names)
    assert names["broken"] == ["duplicated", "exclusivity", "attempts"]


def test_the_guide_knows_every_checker() -> None:
    """In the order in which they are printed."""
    assert re.findall(r"^\| `(\w+)` \|", GUIDE.read_text(), re.MULTILINE) == list(CHECKERS)
