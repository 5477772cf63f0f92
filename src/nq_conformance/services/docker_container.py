"""A server in a container, started with testcontainers for the length of a run.

testcontainers' own reaper (Ryuk) is not used: it needs another image and a privileged socket. A
keeper removes the container when the run is over, and each start sweeps away the containers of runs
that are gone.
"""

from __future__ import annotations

import contextlib
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nq_conformance.services import docker_cleanup, owner
from nq_conformance.services.docker_daemon import connect, daemon_address, last_words, require_image
from nq_conformance.services.errors import LOG_TAIL_LINES, UnavailableError, with_log
from nq_conformance.services.kept import Kept
from nq_conformance.services.server_process import free_port

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

READY_BUDGET_S = 40.0
STOP_BUDGET_S = 10
POLL_INTERVAL_S = 0.05
RUN_LABEL = "nq-conformance.run"
OWNER_LABEL = "nq-conformance.owner"
_INSIDE_CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """How to run one server in a container.

    ``port`` is its TCP port inside; ``variable`` names the environment variable that chose
    ``image``. ``version_when_ready`` takes host and port as seen from here, and returns the
    server's version, or None as long as it does not answer. ``tmpfs``: path to mount options.
    ``stop_signal`` asks it to end. A ``lasting`` one may be stopped and started: it has a port that
    stays, and no ``tmpfs``.
    """

    service: str
    image: str
    variable: str
    port: int
    command: tuple[str, ...]
    version_when_ready: Callable[[str, int], str | None]
    environment: Mapping[str, str] = field(default_factory=dict)
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "SIGTERM"
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class ServerContainer:
    """A container whose server answers at ``host:port``; ``kept.end()`` removes it."""

    kept: Kept
    container_id: str
    image: str
    host: str
    port: int
    version: str


class ContainerSwitch:
    """The ``Switch`` of a server in a container that is ``lasting``."""

    def __init__(self, plan: ContainerPlan, server: ServerContainer) -> None:
        self._plan = plan
        self._server = server

    def off(self) -> None:
        """See ``Switch.off``."""
        with self._container() as container:
            container.stop(timeout=STOP_BUDGET_S)

    def on(self) -> None:
        """See ``Switch.on``."""
        with self._container() as container:
            container.start()
            container.reload()
            _wait_until_ready(self._plan, container, self._server.kept, READY_BUDGET_S)

    @contextlib.contextmanager
    def _container(self) -> Iterator[Container]:
        with contextlib.closing(connect(daemon_address())) as client, _docker_errors_told(self._plan):
            yield client.containers.get(self._server.container_id)


def start_container(plan: ContainerPlan, ready_budget_s: float = READY_BUDGET_S) -> ServerContainer:
    """Start ``plan``'s container and wait until its server answers, at most ``ready_budget_s`` seconds.

    Raises UnavailableError: no testcontainers, no daemon, no image, or a server that does not
    come up (then with the end of its log).
    """
    address = daemon_address()
    with contextlib.closing(connect(address)) as client, _docker_errors_told(plan):
        sweep(client)
        run = f"{RUN_LABEL}={uuid.uuid4().hex}"
        described = _described(plan, run)
        with contextlib.closing(described.get_docker_client().client):
            require_image(client, described.image, plan.variable)
            kept = Kept(plan.service, last_command=_removal(address, run))
            try:
                return _started(plan, client, described, kept, ready_budget_s)
            except BaseException:  # Ctrl-C included
                kept.abandon()
                raise


@contextlib.contextmanager
def _docker_errors_told(plan: ContainerPlan) -> Iterator[None]:
    import requests  # noqa: PLC0415 - what docker leaks when the daemon falls silent
    from docker.errors import DockerException  # noqa: PLC0415 - optional

    try:
        yield
    except (DockerException, requests.RequestException) as error:
        raise UnavailableError(
            f"Docker could not run the image {plan.image} ({last_words(error)})",
            f"try docker run {plan.image} by hand, or choose another image: {plan.variable}=IMAGE",
        ) from error


def sweep(client: DockerClient) -> int:
    """Remove the containers of runs whose process is gone, as after a power cut; how many."""
    left_over = [
        container
        for container in client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True)
        if owner.is_gone(container.labels.get(OWNER_LABEL, ""))
    ]
    return sum(docker_cleanup.remove(container) for container in left_over)


def _removal(address: str, label: str) -> tuple[str, ...]:
    return (sys.executable, "-P", docker_cleanup.__file__, address, label)


def _described(plan: ContainerPlan, run: str) -> Any:
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - optional

    container = DockerContainer(plan.image).with_command(list(plan.command))
    # By itself it publishes on all addresses, and a port of Docker's own choice changes with each start.
    container.ports = {f"{plan.port}/tcp": ("127.0.0.1", free_port() if plan.lasting else None)}
    container.env = dict(plan.environment)
    container.tmpfs = {} if plan.lasting else dict(plan.tmpfs)
    label, _, token = run.partition("=")
    labels = {label: token, OWNER_LABEL: owner.this_process()}
    return container.with_kwargs(labels=labels, stop_signal=plan.stop_signal)


@contextlib.contextmanager
def _without_reaper() -> Iterator[None]:
    """Switch Ryuk off for our own container, and put the user's setting back."""
    from testcontainers.core.config import testcontainers_config as settings  # noqa: PLC0415 - optional

    before = settings.ryuk_disabled
    settings.ryuk_disabled = True
    try:
        yield
    finally:
        settings.ryuk_disabled = before


def _started(
    plan: ContainerPlan, client: DockerClient, described: Any, kept: Kept, budget_s: float
) -> ServerContainer:
    with _without_reaper():
        described.start()
    container = client.containers.get(described.get_container_id())
    return _wait_until_ready(plan, container, kept, budget_s)


def _wait_until_ready(
    plan: ContainerPlan, container: Container, kept: Kept, budget_s: float
) -> ServerContainer:
    image = f"{container.attrs['Config']['Image']}"
    deadline = time.monotonic() + budget_s
    while time.monotonic() < deadline:
        for host, port in _addresses(container, plan.port):
            version = plan.version_when_ready(host, port)
            if version is not None:
                return ServerContainer(kept, container.id, image, host, port, version)
        kept.next_report(POLL_INTERVAL_S)  # the pause between two looks
        container.reload()
        if container.status in {"exited", "dead"}:
            raise _silent(
                plan,
                container,
                f"ended with exit status {container.attrs['State']['ExitCode']} before it answered",
            )
        if kept.gone:
            raise _silent(plan, container, "lost its keeper to somebody else before it answered")
    raise _silent(plan, container, f"did not answer within {budget_s:g} s")


def _addresses(container: Container, port: int) -> list[tuple[str, int]]:
    """Where the server may be reached from here: the published port, or, beside it in Docker, itself."""
    network = container.attrs["NetworkSettings"]
    published = network["Ports"].get(f"{port}/tcp") or []
    found = [("127.0.0.1", int(place["HostPort"])) for place in published]
    if any(mark.exists() for mark in _INSIDE_CONTAINER):
        found += [(place["IPAddress"], port) for place in network["Networks"].values() if place["IPAddress"]]
    return found


def _silent(plan: ContainerPlan, container: Container, what: str) -> UnavailableError:
    log = container.logs(tail=LOG_TAIL_LINES).decode(errors="replace")
    return UnavailableError(
        with_log(f"the container of {plan.image} {what}", log),
        f"try another image ({plan.variable}=IMAGE) or another way to {plan.service}",
    )
