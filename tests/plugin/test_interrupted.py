"""Ctrl-C in the middle of a run: what was found by then is told and written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from plugin.kit_runs import TARGET, KitRuns

SUITE = """
import os, pathlib
import anyio

@rule("ENQ-02")
async def test_stores(lab): raise Violation(expected="one", seen="none")

@rule("ORD-01")
async def test_order(lab):
    await lab.provider()
    pathlib.Path(os.environ["NQ_GOING"]).touch()
    await anyio.sleep_forever()
"""
BUDGET_S = 60


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_what_was_found_before_an_interrupt_is_told(kit: KitRuns, workers: tuple[str, ...]) -> None:
    """Exit code 2, a summary and a report with the failure; no traceback of a fixture's end."""
    kit.suite(SUITE)
    going = kit.path / "going"
    options = (
        f"--nq-adapter={TARGET}",
        "--nq-backend=asyncio",
        "--nq-run-blocked",
        "--nq-report=report.json",
    )
    with subprocess.Popen(
        kit.command(*options, *workers),
        cwd=kit.path,
        env={**os.environ, "NQ_GOING": str(going)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as run:
        _wait_for(going)
        os.killpg(run.pid, signal.SIGINT)
        output, _ = run.communicate(timeout=BUDGET_S)
    assert run.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "= conformance =" in output
    assert "INTERNALERROR" not in output
    assert "Attempted to exit cancel scope" not in output
    report = json.loads((kit.path / "report.json").read_text())
    verdicts = {row["rule"]: row["verdict"] for row in report["adapters"][0]["verdicts"]}
    assert verdicts["ENQ-02"] == "failed"
    assert verdicts["ORD-01"] != "passed"
    assert report["partial"] is True


def _wait_for(path: Path) -> None:
    until = time.monotonic() + BUDGET_S
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert path.exists(), "the run did not get to the test that is to be interrupted"
