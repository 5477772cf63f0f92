"""A job's record, removed behind the adapter's back: what an eviction, a crash or a person may do."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from nq_conformance.lab import Lab
from nq_conformance.services import forget_postgres_job, forget_redis_job
from nq_conformance.violation import Inconclusive


def make_vanish(lab: Lab, id: str) -> None:
    """Remove what the storage has under the job's own id, and leave alone what else names it.

    Raises ``Inconclusive`` where nothing is found: the kit goes by keys that end with the id and
    by columns that hold it.
    """
    place, removed = lab.setting, 0
    if place.url is not None:
        removed = forget_redis_job(place.url, place.namespace, id)
    elif place.dsn is not None:
        removed = forget_postgres_job(place.dsn, id)
    elif place.directory is not None:
        files = [path for path in place.directory.rglob("*") if path.is_file()]
        removed = sum(_forget_rows(file, id) for file in files if _is_sqlite(file))
    if not removed:
        raise Inconclusive(f"the kit found no record of the job {id!r} that it could remove")
    lab.history.add("fault", "the record vanishes", job_id=id, text=f"{removed} removed")


def _is_sqlite(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(16) == b"SQLite format 3\0"


def _forget_rows(file: Path, id: str) -> int:
    with contextlib.closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        removed = 0
        for table in tables:
            for column in [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]:
                delete = f'DELETE FROM "{table}" WHERE "{column}" = ?'  # noqa: S608 - names of its own schema
                with contextlib.suppress(sqlite3.IntegrityError):
                    removed += database.execute(delete, (id,)).rowcount
        return removed
