"""The Docker daemon: is it there, does it have the image. Answers in words, within a few seconds."""

from __future__ import annotations

import os
import shutil
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nq_conformance.services.errors import UnavailableError

if TYPE_CHECKING:
    from docker import DockerClient

ANSWER_BUDGET_S = 2
CALL_BUDGET_S = 60
"""For one call, e.g. creating a container; while an image is pulled, for the daemon's next word."""
DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
INSTALL = "pip install 'nq-conformance[containers]', and have Docker running"


def daemon_address() -> str:
    """Where the daemon listens: what testcontainers will use, or else Docker's default.

    Raises UnavailableError if testcontainers is not installed or its own settings are wrong.
    """
    try:
        from testcontainers.core.docker_client import get_docker_host  # noqa: PLC0415 - optional
    except ImportError as error:
        raise UnavailableError(f"testcontainers can't be imported ({error})", INSTALL) from error
    except ValueError as error:
        raise UnavailableError(
            f"testcontainers refuses its settings ({error})", "correct or unset its variable"
        ) from error
    return get_docker_host() or DEFAULT_ADDRESS


def connect(address: str) -> DockerClient:
    """A client of the daemon at ``address``, which has just answered.

    Raises UnavailableError within about ``ANSWER_BUDGET_S`` seconds if it does not answer, and at
    once for a daemon on another machine: a container there has no loopback port here.
    """
    import docker  # noqa: PLC0415 - optional; comes with testcontainers

    if _is_remote(address):
        raise UnavailableError(
            f"the Docker daemon at {_shown(address)} is on another machine, its loopback out of reach",
            "unset DOCKER_HOST to use a daemon of this machine, or give the URL of a running server",
        )
    try:
        _knock(address)  # docker itself leaks a socket when nobody answers
        client = docker.from_env(timeout=ANSWER_BUDGET_S, environment={**os.environ, "DOCKER_HOST": address})
    except (docker.errors.DockerException, OSError) as error:
        raise _no_answer(address, error) from error
    client.api.timeout = CALL_BUDGET_S
    return client


def require_image(client: DockerClient, image: str, variable: str) -> None:
    """Make sure that ``image`` is on the daemon's machine, pulling it if need be.

    Raises UnavailableError if it is neither there nor to be had. ``variable`` names the
    environment variable by which another image can be chosen.
    """
    import docker  # noqa: PLC0415 - optional; comes with testcontainers
    import requests  # noqa: PLC0415 - what docker leaks when the daemon falls silent

    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        try:
            client.images.pull(image)
        except (docker.errors.DockerException, requests.RequestException) as error:
            reason = f"the image {image} is not on this machine and can't be pulled ({last_words(error)})"
            remedy = f"docker pull {image}, or name an image that is there: {variable}=IMAGE"
            raise UnavailableError(reason, remedy) from error


def _is_remote(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme in {"unix", "npipe", ""} or "://" not in address:
        return False
    return parts.scheme == "ssh" or (parts.hostname or "") not in {"localhost", "127.0.0.1", "::1"}


def _knock(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(ANSWER_BUDGET_S)
            knocking.connect(parts.path)
    elif parts.hostname and parts.port:
        socket.create_connection((parts.hostname, parts.port), ANSWER_BUDGET_S).close()


def _no_answer(address: str, error: Exception) -> UnavailableError:
    where = _shown(address)
    if isinstance(error, PermissionError):
        return UnavailableError(
            f"the Docker daemon's socket {where} is closed to this user (permission denied)",
            "add the user to the group 'docker' and log in again, or use rootless Docker",
        )
    if shutil.which("docker") is None:
        return UnavailableError(
            f"no 'docker' is on PATH, and no Docker daemon answers at {where}", "install Docker and start it"
        )
    return UnavailableError(
        f"Docker is installed, but its daemon does not answer at {where} ({last_words(error)})",
        "start Docker (systemctl start docker, or Docker Desktop), or set DOCKER_HOST to where it listens",
    )


def _shown(address: str) -> str:
    scheme, separator, rest = address.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def last_words(error: Exception) -> str:
    """The part of a daemon's error that says what was wrong, on one line."""
    words = getattr(error, "explanation", None) or str(error)
    return " ".join(str(words).split())[-200:]
