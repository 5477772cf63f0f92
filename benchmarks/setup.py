"""``python -m benchmarks.setup [--into FOLDER]``: install the peers, apart from the project's environment."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.environments import DEFAULT, HERE, PYTHONS, Environments


def main() -> None:
    """Make two virtual environments and, where npm is there, a folder of Node modules."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.setup", description=__doc__)
    parser.add_argument("--into", type=Path, default=DEFAULT, help="default: .benchmarks")
    folder: Path = parser.parse_args().into
    for name, requirements in PYTHONS.items():
        venv.create(folder / name, with_pip=True)
        interpreter = str(Environments(folder).python(name))
        _run([interpreter, "-m", "pip", "install", "--quiet", "--requirement", str(HERE / requirements)])
    if shutil.which("npm") is None:
        sys.stderr.write("npm is not there: bullmq for Node can't be measured\n")
        return
    node = folder / "node"
    node.mkdir(exist_ok=True)
    shutil.copy(HERE / "package.json", node)
    _run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(node)])


def _run(command: list[str]) -> None:
    sys.stderr.write(f"$ {' '.join(command)}\n")
    subprocess.run(command, check=True)  # noqa: S603 - our own command


if __name__ == "__main__":
    main()
