"""What the tests of BullMQProvider share: a real server, providers on it, Node applications.

Loaded by the test modules as a plugin of pytest; every fixture's name says bullmq.
They also import from it, before pytest could rewrite its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from servers import redis_server
from waiting import within

from nq_conformance.contract import Job
from nq_reference import BullMQProvider

BUDGET_S = 20.0
QUEUE = "mail"
NODE_FILES = Path(__file__).parent.parent / "node"
until = within(BUDGET_S)
MakeProvider = Callable[..., BullMQProvider]


@pytest.fixture(scope="session")
def bullmq_url() -> Iterator[str]:
    """The address of a real Redis server."""
    with redis_server() as url:
        yield url


@pytest.fixture
def bullmq_prefix() -> str:
    """A prefix of this test's own."""
    return uuid.uuid4().hex


@pytest.fixture
async def make_bullmq(bullmq_url: str, bullmq_prefix: str) -> AsyncIterator[MakeProvider]:
    """Makes providers that share this test's prefix; all are closed at its end."""
    made: list[BullMQProvider] = []

    def make(**options: Any) -> BullMQProvider:
        made.append(BullMQProvider(bullmq_url, **{"prefix": bullmq_prefix, **options}))
        return made[-1]

    yield make
    for provider in made:
        await provider.close()


@pytest.fixture
async def bullmq(make_bullmq: MakeProvider) -> BullMQProvider:
    """One open provider."""
    provider = make_bullmq()
    await provider.init()
    return provider


async def job_in(provider: BullMQProvider, id: str, state: str, queue: str = QUEUE) -> Job:
    """The job, once it is in ``state``."""

    async def ask() -> Job | None:
        job = await provider.get_job(queue, id)
        return job if job is not None and job.state == state else None

    return await until(ask, f"job {id} in state {state}")


class Calls:
    """A handler that keeps what it was called with; it waits for ``gate`` where there is one."""

    def __init__(self, gate: asyncio.Event | None = None) -> None:
        self.seen: list[tuple[Any, Any]] = []
        self.running = 0
        self.most = 0
        self._gate = gate
        self._more = asyncio.Event()

    async def __call__(self, data: Any, ctx: Any) -> Any:
        self.seen.append((data, ctx))
        self.running += 1
        self.most = max(self.most, self.running)
        self._more.set()
        try:
            if self._gate is not None:
                await self._gate.wait()
        finally:
            self.running -= 1
        return data

    @property
    def data(self) -> list[Any]:
        """What it was given, in order."""
        return [data for data, _ in self.seen]

    async def reach(self, count: int) -> None:
        """Return once it was called ``count`` times."""
        with anyio.move_on_after(BUDGET_S):
            while len(self.seen) < count:
                self._more.clear()
                await self._more.wait()
            return
        pytest.fail(f"{count} calls: not within {BUDGET_S} s, only {self.data}")


class NodePeer:
    """A Node application on the same queues."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._calls = 0

    async def call(self, method: str, **params: Any) -> Any:
        """What ``method`` of peer.mjs answers; its error fails the test."""
        answer = await self.answer(method, **params)
        if "error" in answer:
            pytest.fail(f"Node could not {method}: {answer['error']}")
        return answer["result"]

    async def answer(self, method: str, **params: Any) -> dict[str, Any]:
        """The whole answer, result or error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._calls += 1
        line = json.dumps({"id": self._calls, "method": method, "params": {"queue": QUEUE, **params}})
        self._process.stdin.write(line.encode() + b"\n")
        with anyio.move_on_after(2 * BUDGET_S):
            answer: dict[str, Any] = json.loads(await self._process.stdout.readline() or b"null") or {
                "error": "the process has ended"
            }
            return answer
        pytest.fail(f"Node did not answer {method} within {2 * BUDGET_S} s")

    async def close(self) -> None:
        """Have it close its workers and end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with anyio.move_on_after(BUDGET_S) as scope:
            await self._process.wait()
        if scope.cancelled_caught:
            self._process.kill()
            await self._process.wait()


@pytest.fixture(scope="session")
def bullmq_node_folder() -> Path:
    """A folder with BullMQ's npm packages, installed once for each content of package.json."""
    package = (NODE_FILES / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nq-conformance"
    folder = cache / f"node-{hashlib.sha256(package).hexdigest()[:16]}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _install(package, folder)
    return folder


@pytest.fixture(params=["bullmq5", "bullmq6"])
async def bullmq_peer(
    request: pytest.FixtureRequest, bullmq_node_folder: Path, bullmq_url: str, bullmq_prefix: str
) -> AsyncIterator[NodePeer]:
    """A Node application, with BullMQ 5 and then with BullMQ 6."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(NODE_FILES / "peer.mjs"),
        request.param,
        bullmq_url,
        bullmq_prefix,
        cwd=bullmq_node_folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    peer = NodePeer(process)
    yield peer
    await peer.close()


def _install(package: bytes, folder: Path) -> None:
    """Install beside ``folder``, then rename: another run that is as far has an equal one."""
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix="installing-"))
    try:
        (fresh / "package.json").write_bytes(package)
        npm = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(npm, cwd=fresh, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            pytest.fail(f"npm install of {NODE_FILES / 'package.json'} failed:\n{done.stderr[-2000:]}")
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
