"""What all tests share: pytest's own fixture for testing plugins, and what a test needs.

A test marked ``needs_docker``, ``needs_node`` or ``needs_redis_server`` is skipped, with
the reason, on a machine without it: so the tests also run where there is nothing but
Python. CI names in NQ_TEST_REQUIRE what must be there; then its absence is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache

import pytest

pytest_plugins = ["pytester"]


@cache
def _no_docker() -> str | None:
    docker = shutil.which("docker")
    if docker is None:
        return "there is no docker on PATH"
    ask = [docker, "image", "inspect", "redis:7"]
    try:
        found = subprocess.run(ask, capture_output=True, text=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return "the Docker daemon does not answer"
    if found.returncode == 0:
        return None
    return f"Docker has no image redis:7 here: {found.stderr.strip()}"


def _no_program(name: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name) else f"there is no {name} on PATH"


NEEDS: dict[str, Callable[[], str | None]] = {
    "docker": _no_docker,
    "node": _no_program("npm"),
    "redis-server": _no_program("redis-server"),
}


def _marker(need: str) -> str:
    return f"needs_{need.replace('-', '_')}"


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for need in NEEDS:
        config.addinivalue_line(
            "markers", f"{_marker(need)}: skipped where {need} is absent, unless required"
        )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what can't run here, or fail it where CI says that it must."""
    required = os.environ.get("NQ_TEST_REQUIRE", "").split()
    for need, missing in NEEDS.items():
        if item.get_closest_marker(_marker(need)) is None:
            continue
        reason = missing()
        if reason and need in required:
            pytest.fail(f"NQ_TEST_REQUIRE asks for {need}, but {reason}", pytrace=False)
        elif reason:
            pytest.skip(f"needs {need}: {reason}")
