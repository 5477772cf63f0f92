"""Real servers for integration tests: this machine's programs, or those that came by pip."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from nq_conformance.services import ServiceError, start_postgres, start_redis


@contextmanager
def redis_server() -> Iterator[str]:
    """The address of a Redis server, for as long as the block lasts."""
    service = start_redis("local" if shutil.which("redis-server") else "embedded")
    try:
        yield service.info.url
    finally:
        service.stop()


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a Postgres server, for as long as the block lasts."""
    try:
        service = start_postgres("local")
    except ServiceError:
        service = start_postgres("embedded")
    try:
        yield service.info.url
    finally:
        service.stop()
