"""``python -m benchmarks.setup [--into FOLDER]``: install the peers, apart from the project's environment."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.environments import DEFAULT, HERE, NODE, PYTHONS, Environments


def main() -> None:
    """Make the virtual environments and a folder of Node modules. Ends with 1 if something could not be
    installed; the rest is, and can be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.setup", description=__doc__)
    parser.add_argument("--into", type=Path, default=DEFAULT, help="default: .benchmarks")
    folder: Path = parser.parse_args().into
    done = [_python(folder, name, requirements) for name, requirements in PYTHONS.items()]
    done.append(_node(folder / NODE))
    sys.exit(0 if all(done) else 1)


def _python(folder: Path, name: str, requirements: str) -> bool:
    venv.create(folder / name, with_pip=True)
    interpreter = str(Environments(folder).python(name))
    return _run([interpreter, "-m", "pip", "install", "--quiet", "--requirement", str(HERE / requirements)])


def _node(folder: Path) -> bool:
    if shutil.which("npm") is None:
        sys.stderr.write("npm is not there: the peers that run on Node can't be measured\n")
        return False
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "package.json", folder)
    return _run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)])


def _run(command: list[str]) -> bool:
    sys.stderr.write(f"$ {' '.join(command)}\n")
    done = subprocess.run(command, check=False)  # noqa: S603 - our own command
    if done.returncode:
        sys.stderr.write(f"that ended with {done.returncode}: what it installs can't be measured\n")
    return done.returncode == 0


if __name__ == "__main__":
    main()
