"""Handlers in child processes work with every manager: one job, one failure, one timeout each."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from child_tools import EACH_RUNTIME, HANDLERS, workplace

from nq_conformance.services import start_redis
from nq_reference import BullMQProvider, FileProvider, RedisProvider, SqliteProvider
from nq_reference.providers.base import SourceProvider
from nq_reference.runtimes import ChildOptions

pytestmark = pytest.mark.anyio
PROVIDERS: dict[str, Callable[[str, Path], SourceProvider]] = {
    "redis": lambda url, _: RedisProvider(url, prefix=uuid.uuid4().hex),
    "bullmq": lambda url, _: BullMQProvider(url, prefix=uuid.uuid4().hex),
    "sqlite": lambda _, folder: SqliteProvider(folder / "q"),
    "file": lambda _, folder: FileProvider(folder / "q"),
}


@pytest.fixture
def anyio_backend() -> str:
    """The one that all of them run on."""
    return "asyncio"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a real Redis server."""
    service = start_redis("local" if shutil.which("redis-server") else "embedded")
    yield service.info.url
    service.stop()


@EACH_RUNTIME
@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_job_a_failure_and_a_timeout(name: str, runtime: str, url: str, tmp_path: Path) -> None:
    """What comes of them is in the backend."""
    provider = PROVIDERS[name](url, tmp_path)
    async with workplace(provider, ChildOptions(kill_grace_ms=200)) as place:
        await place.work(HANDLERS[runtime], runtime)
        job = await place.run({"do": "keep", "value": 7})
        assert (job.return_value, job.attempts_made) == ([7, None], 1)
        assert await place.reason({"do": "fail"}) == "no such order"
        assert "timeout of 300 ms" in await place.reason({"do": "wait"}, timeout=300)
        (told, *_) = place.around.told("step.failed")
        assert Path(HANDLERS[runtime]).name in told["stack"]
