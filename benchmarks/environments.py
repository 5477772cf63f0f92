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
PYTHONS = {
    "python": "requirements.txt",
    "arq": "requirements-arq.txt",
    "postgres": "requirements-postgres.txt",
}
NODE = "node"
REMEDY = "run `python -m benchmarks.setup`"


@dataclass(frozen=True, slots=True)
class Environments:
    """The folder that ``python -m benchmarks.setup`` filled: a virtual environment for each of
    ``PYTHONS``, and ``node``."""

    folder: Path

    def python(self, name: str) -> Path:
        """The interpreter of a virtual environment."""
        return self.folder / name / "bin" / "python"

    def node(self) -> str | None:
        """The Node that was installed with the peers, or that of the machine, or ``None``."""
        installed = self.folder / NODE / "node_modules" / ".bin" / "node"
        return str(installed) if installed.exists() else shutil.which("node")

    def missing(self, entry: Entry) -> str | None:
        """What an entry lacks, and what to do; ``None`` if it is all there."""
        program = self.node() if entry.environment == NODE else str(self.python(entry.environment))
        if program is None or not Path(program).exists():
            return f"{program or 'node'} is not there; {REMEDY}"
        absent = [name for name in entry.distributions if not self._versions(entry, name)]
        return f"{', '.join(absent)} is not installed in {self.folder}; {REMEDY}" if absent else None

    def start(self, entry: Entry, task: str, spec: dict[str, Any]) -> subprocess.Popen[str]:
        """Start a child for one measurement, of an entry that lacks nothing."""
        known = (
            self._node(entry, task, spec) if entry.environment == NODE else self._python(entry, task, spec)
        )
        path = os.pathsep.join([str(PROJECT), str(PROJECT / "src")])
        return subprocess.Popen(  # noqa: S603 - our own command
            known,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def version(self, entry: Entry) -> str:
        """The versions of what an entry is made of; empty for ours and for the standard library."""
        return " / ".join(version for name in entry.distributions for version in self._versions(entry, name))

    def _versions(self, entry: Entry, name: str) -> list[str]:
        if entry.environment == NODE:
            package = self.folder / NODE / "node_modules" / name / "package.json"
            return [str(json.loads(package.read_text("utf-8"))["version"])] if package.exists() else []
        pattern = f"lib/python*/site-packages/{name.replace('-', '_')}-*.dist-info"
        folders = (self.folder / entry.environment).glob(pattern)
        return [folder.name.removesuffix(".dist-info").rpartition("-")[2] for folder in folders]

    def _python(self, entry: Entry, task: str, spec: dict[str, Any]) -> list[str]:
        interpreter = str(self.python(entry.environment))
        return [interpreter, "-m", "benchmarks.child", entry.id, task, json.dumps(spec)]

    def _node(self, entry: Entry, task: str, spec: dict[str, Any]) -> list[str]:
        known = {
            "modules": str(self.folder / NODE),
            "together": figures.TOGETHER,
            "warmUp": figures.WARM_UP,
            "latencyWarmUp": figures.LATENCY_WARM_UP,
            "gapMs": figures.LATENCY_GAP_S * 1000,
        }
        script = str(HERE / "systems" / f"{entry.id}.mjs")
        return [self.node() or NODE, script, task, json.dumps({**spec, **known})]
