"""Jobs' records, removed behind the adapter's back: what an eviction, a crash or a person may do."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection
from pathlib import Path

from nq_conformance.lab import Lab
from nq_conformance.services import forget_postgres_jobs, forget_redis_jobs, stems_of
from nq_conformance.violation import Inconclusive

_KEY_COLUMNS = """
SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' AND c.pk
UNION
SELECT t.name, c.name FROM sqlite_master t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
WHERE t.type = 'table' AND i."unique" AND c.name IS NOT NULL
"""
"""Columns of primary keys and unique indexes."""


def make_vanish(lab: Lab, gone: Collection[str], among: Collection[str]) -> None:
    """Remove what the storage has under the own ids of ``gone``, and leave alone what else names them.

    ``among`` are the ids of all jobs that there are: what has a record for each of them is where the
    records are (see ``stems_of``). Raises ``Inconclusive`` where not all are found: the kit goes by
    keys that end with the id, and by columns of primary keys and unique indexes that hold it.
    """
    place, removed = lab.setting, 0
    if place.url is not None:
        removed = forget_redis_jobs(place.url, place.namespace, gone, among)
    elif place.dsn is not None:
        removed = forget_postgres_jobs(place.dsn, place.namespace, gone, among)
    elif place.directory is not None:
        files = [path for path in place.directory.rglob("*") if path.is_file()]
        removed = sum(forget_sqlite_jobs(file, gone, among) for file in files if _is_sqlite(file))
    if removed < len(gone):
        raise Inconclusive(
            f"the kit found {removed or 'no'} records that it could remove of the jobs {[*gone]}"
        )
    for id in gone:
        lab.history.add("fault", "the record vanishes", job_id=id)


def forget_sqlite_jobs(file: Path, gone: Collection[str], among: Collection[str]) -> int:
    """Remove the rows whose key is, or ends with, an id of ``gone``; how many there were.

    As ``forget_postgres_jobs`` does, and as text as well, so that a column's affinity changes nothing.
    """
    removed = 0
    with contextlib.closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as database:
        database.text_factory = lambda raw: raw.decode(errors="replace")  # a key may be bytes
        for table, column in database.execute(_KEY_COLUMNS).fetchall():
            key = f'CAST("{column}" AS TEXT)'
            rows = database.execute(f'SELECT {key} FROM "{table}" WHERE {key} IS NOT NULL').fetchall()  # noqa: S608 - names of its own schema
            for wanted in [stem + id for stem in stems_of([row[0] for row in rows], among) for id in gone]:
                with contextlib.suppress(sqlite3.IntegrityError):
                    removed += database.execute(f'DELETE FROM "{table}" WHERE {key} = ?', (wanted,)).rowcount  # noqa: S608
    return removed


def _is_sqlite(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(16) == b"SQLite format 3\0"
