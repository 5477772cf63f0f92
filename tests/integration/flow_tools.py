"""What the tests of flows share: each adapter that keeps them, on a real server where it needs one.

Loaded by the test modules as a plugin of pytest. They also import from it, before pytest could
rewrite its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import postgres_server, redis_server
from waiting import within

BUDGET_S = 20.0
until = within(BUDGET_S)
Values = dict[str, Any]


@pytest.fixture(scope="session")
def flow_redis_url() -> Iterator[str]:
    """A Redis server for all tests of flows."""
    with redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def flow_postgres_dsn() -> Iterator[str]:
    """A Postgres server for all tests of flows."""
    with postgres_server() as dsn:
        yield dsn


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
