"""What the tests of services share: polling, runs in processes of their own, scripts as programs, Docker.

Loaded by the test modules as a plugin of pytest. They also import from it, before pytest could rewrite
its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nq_conformance

BUDGET_S = 30.0
DEAD_DOCKER = "unix:///no/such/docker.sock"


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Poll until ``condition`` holds, at most ``BUDGET_S`` seconds."""
    deadline = time.monotonic() + BUDGET_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {BUDGET_S} s: {what}"
        time.sleep(0.02)


@contextlib.contextmanager
def a_run(code: str, kind: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A run in a process (and session) of its own, with the address of its service, which ``code`` starts
    and prints."""
    environment = {**os.environ, "PYTHONPATH": str(Path(nq_conformance.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", code, kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        try:
            yield run, json.loads(run.stdout.readline())["url"]
        finally:
            run.kill()


def program(folder: Path, name: str, script: str) -> None:
    """Put a shell script into a folder."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def docker() -> Iterator[Any]:
    """A client of the machine's Docker daemon."""
    client = importlib.import_module("docker").from_env()
    yield client
    client.close()


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No daemon answers."""
    monkeypatch.setenv("DOCKER_HOST", DEAD_DOCKER)
