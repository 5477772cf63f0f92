"""Everything that checks this project, in fresh environments: ``nox`` runs it all, ``nox -l`` lists it.

Quick and without nox: ``python3 quickstart.py setup dev``, then the tools in ``.venv``.
"""

from __future__ import annotations

import os
from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13")
PROJECT = nox.project.load_toml("pyproject.toml")

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True

REAL = ("container", "local", "embedded")
CONFORMANCE = [
    nox.param("MemoryProvider", None, id="memory"),
    nox.param("FileProvider", None, id="file"),
    nox.param("SqliteProvider", None, id="sqlite"),
    *[nox.param("RedisProvider", f"redis={kind}", id=f"redis-{kind}") for kind in (*REAL, "fake")],
    *[nox.param("PostgresProvider", f"postgres={kind}", id=f"postgres-{kind}") for kind in REAL],
    # The official client hangs on the imitation.
    *[nox.param("BullMQProvider", f"redis={kind}", id=f"bullmq-{kind}") for kind in REAL],
]


def _show_pyenv_versions() -> None:
    """Put pyenv's Pythons on PATH: before its shims, which are there for Pythons that are not."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = [str(folder) for python in PYTHONS for folder in sorted(versions.glob(f"{python}.*/bin"))]
    os.environ["PATH"] = os.pathsep.join([*folders, os.environ.get("PATH", "")])


_show_pyenv_versions()


def _install(session: nox.Session, *groups: str) -> None:
    session.install("-e", ".[all]", *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def lint(session: nox.Session) -> None:
    """Style, layout of the code, and who imports whom."""
    _install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly, of everything: sources, tests, and this file."""
    _install(session, "dev")
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The project's own tests, on every Python that is found; arguments go to pytest."""
    _install(session, "test")
    session.run("pytest", *session.posargs)


@nox.session
def kill_table(session: nox.Session) -> None:
    """Run the whole suite on every miniature, and write docs/kill-table.md; takes an hour or two."""
    _install(session, "test")
    reports = str(Path(session.create_tmp()).resolve() / "kill-table")
    session.run("pytest", "tests/miniatures", *session.posargs, env={"NQ_KILL_TABLE": reports})


@nox.session
def crash_runs(session: nox.Session) -> None:
    """Kill processes amid work in 200 rounds for each durable adapter, and write docs/crash-runs.md;
    takes an hour. Arguments go to ``python -m crash``, such as ``sqlite --rounds 500``."""
    _install(session, "test")
    session.run("python", "-m", "crash", "--write", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def loaded_runs(session: nox.Session) -> None:
    """Run the suite ten times for each adapter while the machine is kept busy, and write
    docs/loaded-runs.md; takes hours. Arguments go to ``python -m loaded``, such as ``redis --runs 2``."""
    _install(session, "test", "loaded")
    results = str(Path(session.create_tmp()).resolve() / "loaded")
    command = ["python", "-m", "loaded", "--into", results, "--write", *session.posargs]
    session.run(*command, env={"PYTHONPATH": "tests"})


@nox.session
def mutation(session: nox.Session) -> None:
    """Change the reference in a thousand places, one by one, and write docs/mutation.md; takes an hour."""
    _install(session, "test", "mutation")
    env = {"PYTHONPATH": "tests"}
    if session.posargs:
        session.run("python", "-m", "mutation", *session.posargs, env=env)
        return
    results = str(Path(session.create_tmp()).resolve() / "results.jsonl")
    session.run("python", "-m", "mutation", "--sample", "1000", "--results", results, env=env)
    session.run("python", "-m", "mutation", "--page", results, env=env)


@nox.session
@nox.parametrize(("provider", "service"), CONFORMANCE)
def conformance(session: nox.Session, provider: str, service: str | None) -> None:
    """Judge a reference adapter on one kind of service; arguments go to pytest."""
    _install(session)
    options = [f"--nq-{service}"] if service else []
    if provider == "BullMQProvider":
        options.append(f"--nq-waivers={Path('tests/conformance/bullmq-waivers.toml').resolve()}")
    session.chdir(session.create_tmp())
    session.run("pytest", f"--nq-adapter=nq_reference:{provider}", *options, *session.posargs)
