"""Redis in a container."""

from __future__ import annotations

import os

from nq_conformance.services.docker_container import ContainerPlan, ContainerSwitch, start_container
from nq_conformance.services.info import Started
from nq_conformance.services.redis.client import SERVICE, ask_if_up
from nq_conformance.services.redis.program import persistence

DEFAULT_IMAGE = "redis:7"
IMAGE_VARIABLE = "NQ_REDIS_IMAGE"


def start(*, lasting: bool = False) -> Started:
    """Redis in a container of ``redis:7``, or of the image that NQ_REDIS_IMAGE names; ``lasting``
    data outlast its stop.

    Raises UnavailableError: no testcontainers, no Docker, no image, or no answer.
    """
    plan = ContainerPlan(
        service=SERVICE,
        image=os.environ.get(IMAGE_VARIABLE) or DEFAULT_IMAGE,
        variable=IMAGE_VARIABLE,
        port=6379,
        # Only loopback reaches it, but from inside it does not look so.
        command=("redis-server", *persistence(lasting=lasting), "--protected-mode", "no"),
        version_when_ready=_version_when_ready,
        lasting=lasting,
    )
    server = start_container(plan)
    return Started(
        url=f"redis://{server.host}:{server.port}/0",
        version=server.version,
        source=server.image,
        end=server.kept.end,
        switch=ContainerSwitch(plan, server) if lasting else None,
    )


def _version_when_ready(host: str, port: int) -> str | None:
    facts = ask_if_up(f"redis://{host}:{port}/0")
    return facts.version if facts else None
