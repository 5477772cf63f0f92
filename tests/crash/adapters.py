"""The adapters that claim to last, and a place for each session of theirs."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from nq_conformance.adapters import Service
from nq_conformance.services import Databases, RunningService, clean_redis, start_postgres, start_redis


@dataclass(frozen=True, slots=True)
class Candidate:
    """An adapter to be crashed, by the target that the kit loads. ``alone``: one process at a time may
    have its data."""

    name: str
    target: str
    service: Service
    alone: bool = False


CANDIDATES: Final = (
    Candidate("file", "nq_reference:FileProvider", Service.DIRECTORY, alone=True),
    Candidate("sqlite", "nq_reference:SqliteProvider", Service.DIRECTORY),
    Candidate("redis", "nq_reference:RedisProvider", Service.REDIS),
    Candidate("postgres", "nq_reference:PostgresProvider", Service.POSTGRES),
    Candidate("bullmq", "nq_reference:BullMQProvider", Service.REDIS),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one session's data is."""

    namespace: str
    url: str | None = None
    dsn: str | None = None
    directory: Path | None = None


class Servers:
    """Servers on this machine, started when first needed; ended with the ``with`` block."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    @contextmanager
    def place(self, candidate: Candidate) -> Iterator[Place]:
        """A namespace or folder that nobody else uses, removed afterwards."""
        namespace = f"nq_crash_{uuid.uuid4().hex[:8]}"
        if candidate.service is Service.REDIS:
            yield Place(namespace, url=self._redis)
            clean_redis(self._redis, namespace)
        elif candidate.service is Service.POSTGRES:
            yield Place(namespace, dsn=self._databases.new_place(namespace))
            self._databases.clean(namespace)
        else:
            with tempfile.TemporaryDirectory(prefix=namespace) as folder:
                yield Place(namespace, directory=Path(folder))

    @cached_property
    def _redis(self) -> str:
        return self._started(start_redis("local"))

    @cached_property
    def _databases(self) -> Databases:
        return Databases(self._started(start_postgres("local")))

    def _started(self, service: RunningService) -> str:
        self._stack.callback(service.stop)
        return service.info.url
