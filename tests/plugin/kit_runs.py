"""Runs of pytest with the plugin, each in a process of its own and in an empty folder."""

from __future__ import annotations

import os
import sys
import textwrap
from importlib.metadata import entry_points
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src"
TARGET = "shelf:Provider"

SHELF = '''
"""An adapter with next to nothing in it."""

class Provider:
    name = "shelf"
    async_backends = ("asyncio", "trio")

    def __init__(self):
        self.jobs = {}

    async def init(self): pass
    async def close(self): pass

    async def enqueue(self, queue_name, job):
        self.jobs[str(len(self.jobs) + 1)] = job
        return str(len(self.jobs))

    async def schedule(self, queue_name, job, opts=None):
        return await self.enqueue(queue_name, job)

    async def get_job(self, queue_name, id): return self.jobs.get(id)
    async def get_jobs(self, queue_name, query=None): return []
    async def pause(self, queue_name): raise ValueError("this shelf can't be paused")
    async def resume(self, queue_name): pass
    async def is_paused(self, queue_name): return False
    async def get_job_counts(self, queue_name): return None
    def on(self, queue_name, event, callback): return lambda: None
    def worker_manager(self): return Manager()


class Manager:
    async def register_worker(self, queue_name, job_name, handler, opts=None): pass
    def get_worker(self, queue_name, job_name): return None
    async def close_all(self): pass
'''

_IMPORTS = """
from hypothesis import HealthCheck, given, settings, strategies as st
from nq_conformance.suite.rules import rule
from nq_conformance.violation import Inconclusive, Violation
"""


class KitRuns:
    """Files for a run, and the run."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = pytester.path
        self._pytester = pytester
        self._monkeypatch = monkeypatch
        paths = [str(SRC), os.environ.get("PYTHONPATH", "")]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(p for p in paths if p))
        monkeypatch.setenv("COLUMNS", "100")
        for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "NQ_SUITE_DIR"):
            monkeypatch.delenv(name, raising=False)
        self.file("shelf.py", SHELF)

    def file(self, name: str, text: str) -> Path:
        """Write a file into the run's folder."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def shelf(self, attributes: str, name: str = "other.py") -> None:
        """Write a module with a ``Provider`` like the shelf's, but with other class attributes."""
        body = textwrap.indent(textwrap.dedent(attributes), "    ")
        self.file(name, f"import shelf\n\nclass Provider(shelf.Provider):\n{body}\n")

    def suite(self, text: str, name: str = "test_ord.py") -> None:
        """Let the run use a suite of our own; may be called for several files."""
        self.file(f"suite/{name}", _IMPORTS + textwrap.dedent(text))
        self._monkeypatch.setenv("NQ_SUITE_DIR", str(self.path / "suite"))

    def run(self, *args: str) -> pytest.RunResult:
        """Run pytest."""
        return self._pytester.run(*self.command(*args), timeout=120)

    def command(self, *args: str) -> tuple[str, ...]:
        """What runs pytest; as the ``pytest`` command does, without the folder on ``sys.path``."""
        plugin = () if _is_installed() else ("-p", "nq_conformance.plugin")
        return (sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", *plugin, *args)

    def judge(self, *args: str) -> pytest.RunResult:
        """Run pytest for the shelf, on asyncio alone."""
        return self.run(f"--nq-adapter={TARGET}", "--nq-backend=asyncio", *args)


def _is_installed() -> bool:
    return any(e.value == "nq_conformance.plugin" for e in entry_points(group="pytest11"))
