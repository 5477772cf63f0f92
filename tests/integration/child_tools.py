"""What the tests of child processes share: a memory provider, its manager, jobs to their end, processes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from waiting import within

from nq_conformance.contract import Job, JobInput, JobOptions, Runtime, StepEvent
from nq_conformance.suite.pids import is_running
from nq_reference import MemoryProvider
from nq_reference.providers.base import SourceProvider
from nq_reference.runtimes import ChildOptions, ChildWorkerOptions

BUDGET_S = 60.0
QUEUE, JOB = "work", "job"
FILES = Path(__file__).parent.parent / "children"
HANDLERS = {"python": str(FILES / "handlers.py"), "node-isolated": str(FILES / "handlers.mjs")}
EACH_RUNTIME = pytest.mark.parametrize(
    "runtime", ["python", pytest.param("node-isolated", marks=pytest.mark.needs_node)]
)
until = within(BUDGET_S)


class Surroundings:
    """Event manager, state provider and flow engine in one, all remembering."""

    def __init__(self) -> None:
        self.events: list[StepEvent] = []
        self.values: dict[str, Any] = {}
        self.asked: list[str] = []
        self.triggers: list[tuple[str, Any]] = []

    async def publish_bus(self, event: StepEvent) -> None:
        await anyio.lowlevel.checkpoint()
        self.events.append(event)

    async def get(self, key: str) -> Any:
        self.asked.append(key)
        await anyio.lowlevel.checkpoint()
        return self.values.get(key)

    async def set(self, key: str, value: Any) -> None:
        self.values[key] = value

    async def delete(self, key: str) -> None:
        self.values.pop(key, None)

    async def emit(self, trigger: str, payload: Any) -> None:
        await anyio.lowlevel.checkpoint()
        self.triggers.append((trigger, payload))

    def told(self, kind: str) -> list[Any]:
        """The data of all events of a kind."""
        return [event.data for event in self.events if event.type == kind]


class Workplace:
    """A provider with a manager, and one worker for jobs named ``JOB``."""

    def __init__(self, provider: SourceProvider, options: ChildOptions | None, *, alone: bool) -> None:
        self.provider = provider
        self.around = Surroundings()
        given = None if alone else self.around
        self.manager = provider.worker_manager(events=self.around, state=given, flow=given, children=options)

    async def work(self, handler: str, runtime: str = "python", **options: Any) -> None:
        """Register ``handler`` for the jobs."""
        kind: Runtime = "python" if runtime == "python" else "node-isolated"
        await self.manager.register_worker(QUEUE, JOB, handler, ChildWorkerOptions(runtime=kind, **options))

    async def add(self, data: Any, **opts: Any) -> str:
        """Enqueue a job."""
        return await self.provider.enqueue(QUEUE, JobInput(JOB, data, JobOptions(**opts)))

    async def run(self, data: Any, **opts: Any) -> Job:
        """A job, once it has ended."""
        return await self.ended(await self.add(data, **opts))

    async def ended(self, id: str) -> Job:
        """The job, once it has ended."""

        async def ask() -> Job | None:
            job = await self.provider.get_job(QUEUE, id)
            return job if job is not None and job.state in {"completed", "failed"} else None

        return await until(ask, f"the end of job {id}")

    async def result(self, data: Any, **opts: Any) -> Any:
        """What a job returned; that it failed fails the test."""
        job = await self.run(data, **opts)
        assert job.state == "completed", job.failed_reason
        return job.return_value

    async def reason(self, data: Any, **opts: Any) -> str:
        """Why a job failed; that it did not fails the test."""
        job = await self.run(data, **opts)
        assert job.state == "failed", job.return_value
        return str(job.failed_reason)


@asynccontextmanager
async def workplace(
    provider: SourceProvider | None = None, options: ChildOptions | None = None, *, alone: bool = False
) -> AsyncIterator[Workplace]:
    """A place to work, in memory if not ``provider``'s; ``alone``: without state and flow engine."""
    provider = provider or MemoryProvider()
    await provider.init()
    try:
        yield Workplace(provider, options, alone=alone)
    finally:
        await provider.close()


async def gone(pid: int) -> None:
    """Return once there is no such process, or only what its parent has not taken notice of yet."""

    async def ask() -> bool:
        return not is_running(pid) and _has_ended_whole(pid)

    await until(ask, f"the end of process {pid}")


def _has_ended_whole(pid: int) -> bool:
    """A process is called a zombie once its first thread has ended, while others may still be ending."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # waited for already, or no child of ours
        return True


def children_of(pid: int) -> list[int]:
    """The processes, zombies too, whose parent is ``pid``."""
    pids = [int(each.name) for each in Path("/proc").glob("[0-9]*")]
    return [each for each in pids if _stat(each)[1:2] == [str(pid)]]


def open_files() -> set[str]:
    """This process's descriptors."""
    return {place.name for place in Path("/proc/self/fd").iterdir()}


def text_of(path: Path) -> str:
    """What is in a file; nothing if there is none."""
    return path.read_text() if path.exists() else ""


def write_whole(path: Path, text: str) -> None:
    """Write a file that nobody finds half written."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.rename(path)


def _stat(pid: int) -> list[str]:
    """State, parent and so on; nothing if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
