"""The documentation is true: printed pages are current, links lead somewhere, the guide's run is real."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from miniatures.gallery import plugin

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GUIDE = ROOT / "docs" / "guides" / "judge-your-adapter.md"


def test_the_printed_pages_are_current() -> None:
    """Nobody has to remember to print them."""
    build = [sys.executable, str(ROOT / "docs" / "build.py"), "--check"]
    done = subprocess.run(build, capture_output=True, text=True, env=_environment(), check=False)
    assert done.returncode == 0, f"run python docs/build.py\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_lead_to_files(page: Path) -> None:
    """A link that leads nowhere is found before a reader finds it."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []


def test_the_guides_first_run_shows_what_the_guide_says(tmp_path: Path) -> None:
    """The very command of the guide, in a folder with nothing but its example."""
    shutil.copy(ROOT / "docs" / "examples" / "shelf.py", tmp_path)
    text = GUIDE.read_text()
    command = re.search(r"^    pytest (--nq-adapter=shelf.*)$", text, re.MULTILINE)
    assert command is not None
    run = [sys.executable, "-m", "pytest", *plugin(), *command[1].split()]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, env=_environment(), check=False)
    for shown in re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        assert shown in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize("handler", ["words.py", pytest.param("words.mjs", marks=pytest.mark.needs_node)])
def test_the_guide_to_child_processes_runs_as_it_is_written(handler: str, tmp_path: Path) -> None:
    """Its files, its command, its output."""
    text = (ROOT / "docs" / "guides" / "child-runtimes.md").read_text()
    for name, code in re.findall(
        r"^```(?:python|js)\n(?:#|//) (\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL
    ):
        (tmp_path / name).write_text(code)
    shown = re.search(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert shown is not None
    run = [sys.executable, "main.py", handler]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, env=_environment(), check=False)
    assert (done.stdout, done.returncode) == (shown[1], 0), done.stderr


def _environment() -> dict[str, str]:
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}
