"""What the tests of flows share: each adapter that keeps them, on a real server where it needs one.

Loaded by the test modules as a plugin of pytest. They also import from it, before pytest could
rewrite its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest

from nq_conformance.services import ServiceError, start_postgres, start_redis

BUDGET_S = 20.0
T = TypeVar("T")
Values = dict[str, Any]


@pytest.fixture(scope="session")
def flow_redis_url() -> Iterator[str]:
    """A Redis server for all tests of flows."""
    service = start_redis("local" if shutil.which("redis-server") else "embedded")
    yield service.info.url
    service.stop()


@pytest.fixture(scope="session")
def flow_postgres_dsn() -> Iterator[str]:
    """A Postgres server for all tests of flows."""
    try:
        service = start_postgres("local")
    except ServiceError:
        service = start_postgres("embedded")
    yield service.info.url
    service.stop()


@pytest.fixture(params=["memory", "file", "sqlite", "redis", "postgres"])
def adapter_values(request: pytest.FixtureRequest, tmp_path: Path) -> Values:
    """The configuration of an adapter with a namespace of this test's own."""
    return values_for(request, str(request.param), tmp_path)


def values_for(request: pytest.FixtureRequest, adapter: str, folder: Path) -> Values:
    """The configuration of the adapter by this name."""
    own = f"t{uuid.uuid4().hex}"
    match adapter:
        case "redis" | "bullmq":
            return {"adapter": adapter, "url": request.getfixturevalue("flow_redis_url"), "prefix": own}
        case "postgres":
            return {"adapter": adapter, "url": request.getfixturevalue("flow_postgres_dsn"), "schema": own}
        case "sqlite":
            return {"adapter": adapter, "url": str(folder / "jobs.sqlite3")}
        case "file":
            return {"adapter": adapter, "url": str(folder / "jobs")}
    return {"adapter": adapter}


async def until(ask: Callable[[], Awaitable[T | None]], what: str) -> T:
    """Ask until the answer is true or the budget is spent."""
    with anyio.move_on_after(BUDGET_S):
        while True:
            answer = await ask()
            if answer:
                return answer
            await anyio.sleep(0.005)
    pytest.fail(f"{what}: not within {BUDGET_S} s")
