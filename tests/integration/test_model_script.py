"""The script of a failure is a program that fails alone, in the same way."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

from miniatures.gallery import TESTS, plugin
from miniatures.model import ForgetsFailuresOfAPause

TARGET = f"{ForgetsFailuresOfAPause.__module__}:{ForgetsFailuresOfAPause.__name__}"
PATHS = os.pathsep.join([str(TESTS), str(TESTS.parent / "src"), *filter(None, sys.path)])


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Python in a folder of its own."""
    env = {**os.environ, "PYTHONPATH": PATHS}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_the_printed_script_fails_in_the_same_way(tmp_path: Path) -> None:
    """As it stands in the failure of a broken adapter, run without pytest."""
    options = ("--nq-rule=QRY-13", "--nq-backend=asyncio", "--nq-time-scale=0.5", "--nq-report=r.json")
    pytest_run = ("-m", "pytest", *plugin(), "-p", "no:cacheprovider", "-q", f"--nq-adapter={TARGET}")
    done = run(*pytest_run, *options, folder=tmp_path)
    assert (tmp_path / "r.json").exists(), done.stdout + done.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    rows = report["adapters"][0]["verdicts"]
    (failure,) = next(row for row in rows if row["rule"] == "QRY-13")["failures"]
    # Which breach is the shortest depends on what the time left sufficed for.
    wanted, found = (states(failure[part]) for part in ("expected", "seen"))
    assert wanted
    assert wanted != found

    printed = done.stdout.partition("\n  example\n")[2].partition("\n  timeline\n")[0]
    (tmp_path / "script.py").write_text(textwrap.dedent(printed) + "\n")
    alone = run("script.py", folder=tmp_path)
    assert alone.returncode == 1, alone.stdout + alone.stderr
    expected, seen = alone.stderr.strip().splitlines()[-2:]
    assert expected.startswith("expected on queue1: {")
    for line, told in ((expected, wanted), (seen, found)):
        assert [state for state in told if f"'{state}'" not in line] == []


def states(text: str) -> list[str]:
    """The states of jobs that a failure tells, such as ``active 1``."""
    return re.findall(r"job \d+: (\w+ \d+)", text)
