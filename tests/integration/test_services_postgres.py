"""Postgres for a run, with real parts: every way to it is really started, used and ended."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from container_tools import containers_of, is_on_loopback_only
from postgres_service_tools import EVERY, PROGRAMS, RUN, answers, as_root, open_connection, started, value
from service_tools import BUDGET_S, a_run, eventually, program

from nq_conformance.services import RunningService, ServiceError, ask_postgres, start_postgres
from nq_conformance.services.errors import UnavailableError
from nq_conformance.services.postgres import program as postgres_program
from nq_conformance.services.postgres import unprivileged
from nq_conformance.services.postgres.unprivileged import Guise, guise_for

pytest_plugins = ["postgres_service_tools", "service_tools"]


# Every way to Postgres works, and ends


@pytest.mark.parametrize("kind", EVERY)
def test_a_started_postgres_can_be_used(kind: str) -> None:
    """start_postgres returns when the server is ready, and tells what it is."""
    with started(kind) as service:
        version = value(service.info.url, "SELECT current_setting('server_version')")
        assert (service.info.service, service.info.kind, service.info.real) == ("postgres", kind, True)
        assert service.info.version == version.split()[0]


@pytest.mark.parametrize("kind", EVERY)
def test_an_open_connection_does_not_hold_up_the_end(kind: str) -> None:
    """Adapters that do not close are no reason to hang; a second stop does nothing."""
    service = start_postgres(kind)
    with open_connection(service.info.url):
        service.stop()
        service.stop()
    assert not answers(service.info.url)


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_stopped_program_leaves_no_directory(kind: str) -> None:
    """Nothing of a run stays on disk."""
    service = start_postgres(kind)
    directory = Path(value(service.info.url, "SELECT current_setting('data_directory')"))
    assert directory.is_dir()
    service.stop()
    assert not directory.parent.exists()


@pytest.mark.needs_postgres
@pytest.mark.parametrize("room", [0, 1 << 62], ids=["room in memory", "no room"])
def test_a_program_keeps_its_data_in_memory_where_there_is_room(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else where temporary files are."""
    monkeypatch.setattr(postgres_program, "MEMORY", Path("/var/tmp"))  # stands for a folder in memory
    monkeypatch.setattr(postgres_program, "LEAST_MEMORY", room)
    with started("local") as service:
        directory = Path(value(service.info.url, "SELECT current_setting('data_directory')"))
    assert (directory.parents[1] == Path("/var/tmp")) == (room == 0)


@pytest.mark.parametrize("kind", EVERY)
def test_nothing_waits_for_the_disk(kind: str) -> None:
    """The data is thrown away: no fsync. But a killed server must not lose what it had acknowledged."""
    with started(kind) as service:
        settings = [value(service.info.url, f"SHOW {name}") for name in ("fsync", "synchronous_commit")]
    assert settings == ["off", "on"]


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_program_listens_on_loopback_only(kind: str) -> None:
    """Nobody else's business, also by way of a socket file."""
    with started(kind) as service:
        settings = [
            value(service.info.url, f"SHOW {name}")
            for name in ("listen_addresses", "unix_socket_directories")
        ]
    assert settings == ["127.0.0.1", ""]


@pytest.mark.parametrize("kind", EVERY)
def test_a_started_postgres_wants_its_password(kind: str) -> None:
    """Other users of the machine can connect to loopback too, and a superuser may run programs."""
    with started(kind) as service:
        host = service.info.url.rpartition("@")[2]
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask_postgres(f"postgresql://postgres:wrong@{host}")


def arguments_of_all_processes() -> list[bytes]:
    """Whatever ends between the listing and the reading has no arguments left to tell."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.append(file.read_bytes())
    return found


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_password_is_not_told_to_other_users(kind: str) -> None:
    """Neither in a process's arguments, which all may read, nor in what is printed."""
    with started(kind) as service:
        password = service.info.url.partition("postgres:")[2].partition("@")[0]
        assert not any(password.encode() in words for words in arguments_of_all_processes())
        assert password not in service.info.describe()


@pytest.mark.needs_postgres_image
def test_a_container_is_published_on_loopback_only_and_removed(docker: Any) -> None:
    """Docker's own default would be every address of the machine."""
    with started("container") as service:
        (ours,) = containers_of(docker, os.getpid())
        assert is_on_loopback_only(ours, 5432, service.info.url)
    assert ours.id not in {each.id for each in docker.containers.list(all=True, ignore_removed=True)}


# As root


@as_root
@pytest.mark.parametrize("kind", PROGRAMS)
def test_root_runs_it_as_somebody_else(kind: str) -> None:
    """Postgres refuses to run as root; the server's files are that other user's."""
    with started(kind) as service:
        directory = Path(value(service.info.url, "SELECT current_setting('data_directory')"))
        assert directory.owner() in unprivileged.ACCOUNTS


@as_root
@pytest.mark.needs_postgres
def test_root_without_another_account_uses_a_user_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """In it root has another number, and the files stay root's."""
    monkeypatch.setattr(unprivileged, "ACCOUNTS", ())
    with started("local") as service:
        directory = Path(value(service.info.url, "SELECT current_setting('data_directory')"))
        assert directory.owner() == "root"
    assert not answers(service.info.url)


@as_root
def test_a_program_that_others_can_not_reach_is_run_in_a_user_namespace(tmp_path: Path) -> None:
    """As in a virtual environment under root's home."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program(closed, "postgres", "exit 0")
    guise = guise_for(str(closed / "postgres"))
    assert guise.user == ()
    assert guise.command[0].endswith("unshare")


@as_root
def test_root_without_any_guise_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message says what to do."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(unprivileged, "ACCOUNTS", ())
    with pytest.raises(UnavailableError, match="refuses to run as root") as caught:
        guise_for(str(tmp_path / "postgres"))
    assert "run as another user" in caught.value.remedy


def test_a_guise_is_our_own_by_default() -> None:
    """Nothing is put before the program, and nobody's ids are taken."""
    assert Guise() == Guise(user=(), command=())


# However a run ends


@pytest.mark.parametrize("kind", EVERY)
def test_a_killed_run_leaves_no_server_behind(kind: str) -> None:
    """kill -9 gives a run no chance to clean up; its keeper does."""
    with a_run(RUN, kind) as (run, url):
        directory = Path(value(url, "SELECT current_setting('data_directory')"))
        run.kill()
        eventually(lambda: not answers(url), "Postgres is gone")
        if kind != "container":
            eventually(lambda: not directory.exists(), "the directory is gone")


@pytest.mark.parametrize("kind", EVERY)
def test_an_interrupted_run_has_its_server_to_the_end(kind: str) -> None:
    """Ctrl-C reaches the whole foreground group, but tests are torn down after it and need Postgres."""
    with a_run(RUN, kind) as (run, url):
        os.killpg(run.pid, signal.SIGINT)
        assert run.stdout is not None
        assert json.loads(run.stdout.readline())["major"] >= 13
        run.wait(BUDGET_S)
        eventually(lambda: not answers(url), "Postgres is gone")


# What goes wrong at a start


def test_a_failing_initdb_is_told_in_its_own_words(no_postgres_program: Path) -> None:
    """The last line of what it said."""
    program(no_postgres_program, "initdb", "echo no space left for data; exit 3")
    program(no_postgres_program, "postgres", "exit 0")
    with pytest.raises(ServiceError, match=r"initdb ended with exit status 3: no space left for data"):
        start_postgres("local")


def test_a_server_that_ends_at_once_is_told_with_its_log(no_postgres_program: Path) -> None:
    """The end of the log says why."""
    program(no_postgres_program, "initdb", "exit 0")
    program(no_postgres_program, "postgres", '[ "$1" = --version ] || { echo words of the log; exit 3; }')
    with pytest.raises(
        ServiceError, match=r"ended with exit status 3 before it answered.*\n +words of the log"
    ):
        start_postgres("local")


@pytest.mark.needs_postgres
def test_a_port_taken_by_somebody_faster_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given_postgres: RunningService
) -> None:
    """Between finding a port free and binding it, another program may take it."""
    server_process = importlib.import_module("nq_conformance.services.server_process")
    taken = int(given_postgres.info.url.rpartition(":")[2].partition("/")[0])
    ports = iter([taken, server_process.free_port()])
    monkeypatch.setattr(server_process, "free_port", lambda: next(ports))
    with started("local") as service:
        assert f":{taken}/" not in service.info.url
