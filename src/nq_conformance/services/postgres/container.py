"""Postgres in a container."""

from __future__ import annotations

import os
import secrets

from nq_conformance.services.docker_container import ContainerPlan, ContainerSwitch, start_container
from nq_conformance.services.info import Started
from nq_conformance.services.postgres.client import SERVICE, ask_if_up, make_dsn
from nq_conformance.services.postgres.program import THROW_AWAY

DEFAULT_IMAGE = "postgres:15"
IMAGE_VARIABLE = "NQ_POSTGRES_IMAGE"
DATA = "/var/lib/postgresql/data"
"""Told to the image as well: from Postgres 18 on its own default is another."""


def start(*, lasting: bool = False) -> Started:
    """Postgres in a container of ``postgres:15``, or of the image that NQ_POSTGRES_IMAGE names;
    ``lasting`` data outlast its stop.

    Raises UnavailableError: no testcontainers, no Docker, no image, or no answer.
    """
    password = secrets.token_hex(16)

    def version_when_ready(host: str, port: int) -> str | None:
        facts = ask_if_up(make_dsn(host, port, password))
        return facts.version if facts else None

    plan = ContainerPlan(
        service=SERVICE,
        image=os.environ.get(IMAGE_VARIABLE) or DEFAULT_IMAGE,
        variable=IMAGE_VARIABLE,
        port=5432,
        command=("postgres", *THROW_AWAY),
        version_when_ready=version_when_ready,
        environment={
            "POSTGRES_PASSWORD": password,
            # Only loopback reaches it, and a hashed password would cost each connection milliseconds.
            "POSTGRES_HOST_AUTH_METHOD": "password",
            "POSTGRES_INITDB_ARGS": "--no-sync --encoding=UTF8 --no-locale",
            "PGDATA": DATA,
        },
        stop_signal="SIGINT",  # SIGTERM would wait for the clients to go
        lasting=lasting,
        # Without it the image's volume takes seconds. The ids are those of the official image.
        tmpfs={DATA: "uid=999,gid=999,mode=0700"},
    )
    server = start_container(plan)
    return Started(
        url=make_dsn(server.host, server.port, password),
        version=server.version,
        source=server.image,
        end=server.kept.end,
        switch=ContainerSwitch(plan, server) if lasting else None,
    )
