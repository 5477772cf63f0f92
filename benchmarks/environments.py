"""Where the peers are installed, and how a child process of each environment is started."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import figures
from benchmarks.systems import Entry

HERE = Path(__file__).parent
PROJECT = HERE.parent
DEFAULT = PROJECT / ".benchmarks"
PYTHONS = {"python": "requirements.txt", "arq": "requirements-arq.txt"}


class SetupError(Exception):
    """Something of the peers is not installed."""


@dataclass(frozen=True, slots=True)
class Environments:
    """The folder that ``python -m benchmarks.setup`` filled: two virtual environments and ``node``."""

    folder: Path

    def python(self, name: str) -> Path:
        """The interpreter of a virtual environment."""
        return self.folder / name / "bin" / "python"

    def start(self, entry: Entry, task: str, spec: dict[str, Any]) -> subprocess.Popen[str]:
        """Start a child for one measurement. Raises ``SetupError`` if its environment is not there."""
        node = entry.environment == "node"
        command = self._node(entry, task, spec) if node else self._python(entry, task, spec)
        if shutil.which(command[0]) is None:
            raise SetupError(f"{command[0]} is not there; run `python -m benchmarks.setup` first")
        path = os.pathsep.join([str(PROJECT), str(PROJECT / "src")])
        return subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def version(self, entry: Entry) -> str:
        """The versions of what an entry is made of; empty for ours and for the standard library."""
        if entry.environment == "node":
            package = self.folder / "node" / "node_modules" / "bullmq" / "package.json"
            return str(json.loads(package.read_text("utf-8"))["version"]) if package.exists() else ""
        found: list[str] = []
        for name in entry.distributions:
            pattern = f"lib/python*/site-packages/{name.replace('-', '_')}-*.dist-info"
            folders = (self.folder / entry.environment).glob(pattern)
            found += [folder.name.removesuffix(".dist-info").rpartition("-")[2] for folder in folders]
        return " / ".join(found)

    def _python(self, entry: Entry, task: str, spec: dict[str, Any]) -> list[str]:
        interpreter = str(self.python(entry.environment))
        return [interpreter, "-m", "benchmarks.child", entry.id, task, json.dumps(spec)]

    def _node(self, entry: Entry, task: str, spec: dict[str, Any]) -> list[str]:
        known = {
            "modules": str(self.folder / "node"),
            "together": figures.TOGETHER,
            "warmUp": figures.WARM_UP,
            "latencyWarmUp": figures.LATENCY_WARM_UP,
            "gapMs": figures.LATENCY_GAP_S * 1000,
        }
        return ["node", str(HERE / "systems" / f"{entry.id}.mjs"), task, json.dumps({**spec, **known})]
