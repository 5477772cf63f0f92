"""Which rows of an SQLite file, and which keys, are taken for jobs' records."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from nq_conformance.services import stems_of
from nq_conformance.suite.vanishing import forget_sqlite_jobs

ALL = ("1", "2", "3", "4")
GONE = ("1", "3")
TABLES = {
    "a number that the table gives": ("id INTEGER PRIMARY KEY, attempts INTEGER DEFAULT 1", "{0}, 1"),
    "a text that is unique": ("number INTEGER PRIMARY KEY, id TEXT UNIQUE", "{0} + 40, '{0}'"),
    "a number of any type": ("id PRIMARY KEY, priority INTEGER UNIQUE", "{0}, {0} + 1"),
    "part of a key whose other part is a number": (
        "queue INTEGER DEFAULT 1, id INTEGER, PRIMARY KEY (queue, id)",
        "1, {0}",
    ),
    "queue and id in one": ("key TEXT PRIMARY KEY, id INTEGER", "'1:{0}', {0}"),
    "bytes beside it": ("key BLOB UNIQUE, id TEXT PRIMARY KEY", "x'ff0{0}', '{0}'"),
}


def database_of(path: Path, *statements: str) -> Path:
    """A new file in which these have been run."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return path


def jobs(columns: str, row: str, ids: tuple[str, ...] = ALL) -> list[str]:
    """A table of jobs, a row each."""
    rows = [f"INSERT INTO job VALUES ({row.format(id)})" for id in ids]
    return [f"CREATE TABLE job ({columns})", *rows]


def values(path: Path, query: str) -> list[Any]:
    """The first of each row."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute(query)]


@pytest.mark.parametrize("shape", TABLES)
def test_the_rows_of_those_jobs_go_and_no_others(shape: str, tmp_path: Path) -> None:
    """However the id is kept, and whatever else has its value."""
    file = database_of(tmp_path / "jobs", *jobs(*TABLES[shape]))
    assert forget_sqlite_jobs(file, GONE, ALL) == 2
    assert values(file, "SELECT CAST(id AS TEXT) FROM job ORDER BY id") == ["2", "4"]


def test_what_is_numbered_like_a_job_stays(tmp_path: Path) -> None:
    """The queue with the number 1, and a table that tells which jobs wait."""
    file = database_of(
        tmp_path / "jobs",
        *jobs(*TABLES["part of a key whose other part is a number"]),
        "CREATE TABLE queue (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
        "INSERT INTO queue VALUES (1, 'q')",
        "CREATE TABLE waiting (place INTEGER, job INTEGER)",
        "INSERT INTO waiting VALUES (1, 2), (3, 3), (3, 1)",
    )
    assert forget_sqlite_jobs(file, GONE, ALL) == 2
    assert len(values(file, "SELECT id FROM queue")) == 1
    assert len(values(file, "SELECT job FROM waiting")) == 3


def test_a_row_that_the_storage_does_not_give_away_stays(tmp_path: Path) -> None:
    """The others go."""
    refuse = "CREATE TRIGGER kept BEFORE DELETE ON job WHEN OLD.id = 1 BEGIN SELECT RAISE(ABORT, 'kept'); END"
    file = database_of(tmp_path / "jobs", *jobs("id INTEGER PRIMARY KEY", "{0}"), refuse)
    assert forget_sqlite_jobs(file, GONE, ALL) == 1
    assert values(file, "SELECT id FROM job ORDER BY id") == [1, 2, 4]


def test_columns_that_may_hold_anything_twice_are_no_keys(tmp_path: Path) -> None:
    """Nothing is found, and so nothing is removed."""
    file = database_of(tmp_path / "jobs", *jobs("attempts INTEGER, id TEXT", "{0}, '{0}'"))
    assert forget_sqlite_jobs(file, GONE, ALL) == 0
    assert len(values(file, "SELECT id FROM job")) == 4


@pytest.mark.parametrize(
    ("keys", "stems"),
    [
        (["1", "2"], {""}),
        (["q:1", "q:2", "q:priority:2", "q:1:lock"], {"q:"}),
        (["q:1", "q:2", "data:1", "data:2"], {"q:", "data:"}),
        (["q1", "q2"], set()),
        (["11", "12"], set()),
        (["q:1"], set()),
        ([], set()),
    ],
)
def test_a_stem_has_a_key_for_each_job(keys: list[str], stems: set[str]) -> None:
    """And ends where a name does."""
    assert stems_of(keys, ["1", "2"]) == stems


def test_no_jobs_have_no_stems() -> None:
    """Else all keys would be theirs."""
    assert stems_of(["q:1"], []) == set()
