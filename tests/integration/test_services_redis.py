"""Redis for a run, with real parts: every way to it is really started, used and ended."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
from container_tools import containers_of, is_on_loopback_only
from redis_service_tools import (
    EVERY,
    PROGRAMS,
    REAL,
    REDIS_SERVER,
    RUN,
    all_ids,
    answers,
    client_of,
    process_and_directory,
    started,
)
from service_tools import BUDGET_S, a_run, eventually, program

from nq_conformance.services import ServiceError, start_redis
from nq_conformance.services.docker_cleanup import remove_labelled
from nq_conformance.services.docker_container import OWNER_LABEL, RUN_LABEL
from nq_conformance.services.errors import UnavailableError
from nq_conformance.services.redis.program import version_when_ready
from nq_conformance.services.server_process import ServerPlan, start_server

pytest_plugins = ["redis_service_tools", "service_tools"]


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
    with a_run(RUN, kind) as (run, url):
        assert answers(url)
        run.kill()
        eventually(lambda: not answers(url), "Redis is gone")


@pytest.mark.needs_docker
def test_a_killed_run_leaves_no_container_behind(docker: Any) -> None:
    """The container is removed, not just stopped."""
    with a_run(RUN, "container") as (run, _):
        ours = containers_of(docker, run.pid)
        assert len(ours) == 1
        run.kill()
        eventually(lambda: ours[0].id not in all_ids(docker), "the container is removed")


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_killed_run_leaves_no_directory_behind(kind: str) -> None:
    """The keeper removes the server's files too."""
    with a_run(RUN, kind) as (run, url):
        client = redis.Redis.from_url(url, decode_responses=True)
        config: Any = client.config_get("dir")
        client.close()
        run.kill()
        eventually(lambda: not Path(config["dir"]).exists(), "the directory is gone")


@pytest.mark.parametrize("kind", EVERY)
def test_a_terminated_run_leaves_no_server_behind(kind: str) -> None:
    """As at the end of a CI job that took too long."""
    with a_run(RUN, kind) as (run, url):
        run.terminate()
        eventually(lambda: not answers(url), "Redis is gone")


@pytest.mark.parametrize("kind", EVERY)
def test_an_interrupted_run_still_has_its_server(kind: str) -> None:
    """Ctrl-C reaches the whole foreground group, but tests are torn down after it and need Redis."""
    with a_run(RUN, kind) as (run, _):
        os.killpg(run.pid, signal.SIGINT)
        assert run.stdout is not None
        assert json.loads(run.stdout.readline()) == {"ping": True}


@pytest.mark.parametrize("kind", EVERY)
def test_an_interrupted_run_leaves_no_server_behind(kind: str) -> None:
    """After Ctrl-C, once the run has ended, so has its Redis."""
    with a_run(RUN, kind) as (run, url):
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


def test_a_server_that_ends_at_once_is_told_with_its_log(no_redis_program: Path) -> None:
    """The end of the log says why."""
    program(no_redis_program, "redis-server", "echo some words of the log; exit 3")
    with pytest.raises(
        ServiceError, match=r"ended with exit status 3 before it answered.*\n +some words of the log"
    ):
        start_redis("local")


def test_a_program_that_can_not_be_run_is_told(no_redis_program: Path) -> None:
    """A file for another machine, say."""
    (no_redis_program / "redis-server").write_bytes(b"\x00\x01")
    (no_redis_program / "redis-server").chmod(0o755)
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
    with pytest.raises(UnavailableError, match=r"sleeper did not answer on port \d+ within 2 s"):
        start_server(plan, ready_budget_s=2.0)
    assert not Path(f"/proc/{mark.read_text().strip()}").exists()


@pytest.mark.needs_redis_server
def test_a_port_taken_by_somebody_faster_is_tried_again(no_redis_program: Path) -> None:
    """Between finding a port free and binding it, another program may take it."""
    taken = (
        "echo 'Warning: Could not create server TCP listening socket: bind: Address already in use'; exit 1"
    )
    program(
        no_redis_program,
        "redis-server",
        f'[ -e {no_redis_program}/2 ] || {{ : > {no_redis_program}/2; {taken}; }}; exec {REDIS_SERVER} "$@"',
    )
    with started("local") as service:
        assert (no_redis_program / "2").exists(), "the first start failed"
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
