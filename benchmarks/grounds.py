"""Where the systems of a section work: a server, or the disk. Each measurement has a place of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Backend
from benchmarks.yardstick import round_trips, syncs
from nq_conformance.services import start_redis
from nq_conformance.services.postgres import Databases
from nq_conformance.services.postgres.local import programs
from nq_conformance.services.postgres.program import start_program

YARDSTICKS = {
    "redis": "Bare round trips of a blocking socket",
    "disk": "Bare appends of 100 bytes with fdatasync",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """``description`` is what the table's head says of it.

    ``place`` gives the URL, or the folder, for a measurement of this name; ``clean`` removes it.
    ``yardstick`` measures how fast the ground itself is, a second, by the way that ``measure``
    names; ``None`` where there is nothing.
    """

    description: str
    place: Callable[[str], str]
    clean: Callable[[str], None]
    yardstick: Callable[[], float] | None = None
    measure: str = ""


@contextmanager
def ground(backend: Backend) -> Iterator[Ground]:
    """What the systems of ``backend`` work on, for as long as it is measured.

    Raises ``ServiceError`` where its server can't be had.
    """
    with {"redis": _redis, "postgres": _postgres, "memory": _memory}.get(backend, _disk)() as found:
        yield found


@contextmanager
def _memory() -> Iterator[Ground]:
    yield Ground("", lambda _: "", lambda _: None)


@contextmanager
def _redis() -> Iterator[Ground]:
    """A Redis of this machine that writes nothing to disk."""
    redis = start_redis("local")
    url = redis.info.url
    try:
        yield Ground(
            f"Redis {redis.info.version} without persistence",
            lambda _: url,  # names keep the systems apart
            lambda _: None,
            lambda: round_trips(url),
            YARDSTICKS["redis"],
        )
    finally:
        redis.stop()


@contextmanager
def _postgres() -> Iterator[Ground]:
    """A Postgres of this machine with its default settings: the kit's own does not wait for the disk."""
    server = start_program(programs(), "benchmarks", settings=())
    databases = Databases(server.url)
    try:
        with _disk() as disk:
            yield Ground(
                f"Postgres {server.version} at its defaults",
                databases.new_place,
                databases.clean,
                disk.yardstick,
                disk.measure,
            )
    finally:
        server.end()


@contextmanager
def _disk() -> Iterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="nq-benchmarks-"))

    def place(name: str) -> str:
        (folder / name).mkdir()
        return str(folder / name)

    try:
        yield Ground(
            "",
            place,
            lambda name: shutil.rmtree(folder / name, ignore_errors=True),
            lambda: syncs(folder / "yardstick"),
            YARDSTICKS["disk"],
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
