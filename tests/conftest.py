"""What all tests share: pytest's own fixture for testing plugins, and what a test needs.

A test marked ``needs_docker``, ``needs_faketime``, ``needs_node``, ``needs_postgres``,
``needs_postgres_image`` or ``needs_redis_server`` is skipped, with the reason, on a machine without
it: so the tests also run where there is nothing but Python. CI names in NQ_TEST_REQUIRE what must
be there; then its absence is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest

from nq_conformance.faults.clock import find_library

pytest_plugins = ["pytester"]


@cache
def _no_image(image: str) -> str | None:
    docker = shutil.which("docker")
    if docker is None:
        return "there is no docker on PATH"
    ask = [docker, "image", "inspect", image]
    try:
        found = subprocess.run(ask, capture_output=True, text=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return "the Docker daemon does not answer"
    if found.returncode == 0:
        return None
    return f"Docker has no image {image} here: {found.stderr.strip()}"


def _no_postgres() -> str | None:
    if shutil.which("postgres") or any(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        return None
    return "there is no postgres on PATH or in /usr/lib/postgresql"


def _no_program(name: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name) else f"there is no {name} on PATH"


def _no_faketime() -> str | None:
    return None if find_library() else "libfaketime is not installed (the package faketime)"


NEEDS: dict[str, Callable[[], str | None]] = {
    "docker": partial(_no_image, "redis:7"),
    "faketime": _no_faketime,
    "node": _no_program("npm"),
    "postgres": _no_postgres,
    "postgres-image": partial(_no_image, "postgres:15"),
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
