"""The exit code of ``nq-worker`` where a pipe breaks: 0 for stdout, 2 for a backend's connection."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nq_reference.cli import commands
from nq_reference.cli.main import main

SRC = Path(__file__).parents[2] / "src"
PRINTING = """
import sys
from nq_reference.cli.main import main
sys.exit(main(["counts", "q", "--adapter", "sqlite", "--url", sys.argv[1]]))
"""


def test_a_broken_connection_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is the backend's, as stdout is well."""

    async def command(arguments: argparse.Namespace) -> None:
        print("before")
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(commands, "counts", command)
    assert main(["counts", "q"]) == 2
    told = capsys.readouterr()
    assert told.err == "nq-worker: [Errno 32] Broken pipe\n"
    assert told.out == "before\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_is_no_error(tmp_path: Path, unbuffered: str) -> None:
    """As head goes once it has enough, whether it shows at the first line or at the end."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", PRINTING, str(tmp_path / "jobs.sqlite3")],
        stdout=writing,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SRC), "PYTHONUNBUFFERED": unbuffered},
        check=False,
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 0
