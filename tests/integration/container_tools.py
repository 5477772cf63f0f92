"""What the tests of services in containers share.

Imported by tests before pytest could rewrite its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from nq_conformance.services.docker_container import OWNER_LABEL


def containers_of(docker: Any, pid: int) -> list[Any]:
    """The running containers that a process started for itself."""
    ours = docker.containers.list(filters={"label": OWNER_LABEL}, ignore_removed=True)
    return [each for each in ours if f"/{pid}/" in each.labels[OWNER_LABEL]]


def is_on_loopback_only(container: Any, port: int, url: str) -> bool:
    """Whether ``port`` is published on loopback and nowhere else, and ``url`` leads there, or, where
    the tests themselves run in a container, to the container's own address."""
    (published,) = container.ports[f"{port}/tcp"]
    own = {network["IPAddress"] for network in container.attrs["NetworkSettings"]["Networks"].values()}
    places = {("127.0.0.1", int(published["HostPort"])), *((address, port) for address in own)}
    given = urlsplit(url)
    return published["HostIp"] == "127.0.0.1" and (given.hostname, given.port) in places
