"""What the tests of FileSource and SqliteSource share: jobs, claims, listeners, and a peer process."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
from anyio.streams.buffered import BufferedByteReceiveStream
from waiting import within

from nq_conformance.contract import JobOptions
from nq_reference.job_source import NewJob, Schedule

BUDGET_S = 30.0
SERIES = Schedule("s", "tick", "{}", JobOptions(), "* * * * *", None, 5, next_at=1_000)
until = within(BUDGET_S)


def job(id: str, *, delay: int = 0, **opts: Any) -> NewJob:
    """A job named as its id."""
    return NewJob(id, f"name of {id}", '{"of":"' + id + '"}', JobOptions(**opts), delay)


class Heard:
    """A listener that keeps what it hears, as (event, job id)."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str | None]] = []

    def __call__(self, event: str, id: str | None, detail: str | int | None) -> None:
        self.events.append((event, id))

    async def first(self, count: int) -> list[tuple[str, str | None]]:
        """The first ``count`` events, once there are so many."""

        async def ask() -> list[tuple[str, str | None]] | None:
            return self.events[:count] if len(self.events) >= count else None

        return await until(ask, f"{count} events, of which there are {self.events}")


class Peer:
    """A source in another process, run by ``source_process.py``."""

    def __init__(self, process: anyio.abc.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._answers = BufferedByteReceiveStream(process.stdout)
        self.pid = process.pid

    async def ask(self, verb: str, *args: Any) -> Any:
        """What the peer answers; ``{"error": text}`` where its source raised."""
        with anyio.fail_after(BUDGET_S):
            await self._stdin.send(json.dumps([verb, *args]).encode() + b"\n")
            return await self.answer()

    async def answer(self) -> Any:
        """The next line of the peer."""
        with anyio.fail_after(BUDGET_S):
            return json.loads(await self._answers.receive_until(b"\n", 1 << 24))

    async def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def peer(kind: str, place: Path) -> AsyncIterator[Peer]:
    """A peer whose source is open; it is killed at the end of the block."""
    script = Path(__file__).with_name("source_process.py")
    command = [sys.executable, str(script), kind, str(place)]
    async with await anyio.open_process(command, stderr=None) as process:
        made = Peer(process)
        try:
            assert await made.answer() == "open"
            yield made
        finally:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.wait()
