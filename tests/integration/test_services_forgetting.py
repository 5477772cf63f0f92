"""Jobs' records that are removed behind an adapter's back: by what they are found in each server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from postgres_service_tools import value
from redis_service_tools import client_of
from service_tools import BUDGET_S

from nq_conformance.services import Databases, RunningService, forget_postgres_jobs, forget_redis_jobs
from nq_conformance.services.postgres.client import execute

pytest_plugins = ["postgres_service_tools", "redis_service_tools", "service_tools"]

ALL = ("1", "2", "3", "4")
GONE = ("1", "3")
TABLES = {
    "a number that the server gives": ("id bigserial PRIMARY KEY, attempts int DEFAULT 1", "{0}, 1"),
    "a text with a unique index": ("number int, id text UNIQUE", "7, '{0}'"),
    "characters of a fixed length": ("id char(8) PRIMARY KEY, priority int", "'{0}', 3"),
    "part of a key whose other part is a number": ("queue int, id int, PRIMARY KEY (queue, id)", "1, {0}"),
    "queue and id in one": ("key text PRIMARY KEY, id int", "'1:{0}', {0}"),
    "in an expression elsewhere": ("id text PRIMARY KEY, n int UNIQUE", "'{0}', {0} + 9"),
}
LEFT = "SELECT string_agg(trim(id::text), ' ' ORDER BY id) FROM jobs.job"


@pytest.fixture(scope="module")
def databases(given_postgres: RunningService) -> Databases:
    """Gives out places."""
    return Databases(given_postgres.info.url)


@pytest.fixture
def dsn(databases: Databases) -> Iterator[str]:
    """A database with a schema ``jobs``."""
    dsn = databases.new_place("forgets")
    execute(dsn, "CREATE SCHEMA jobs", budget_s=BUDGET_S)
    yield dsn
    databases.clean("forgets")


def make_jobs(dsn: str, columns: str, row: str, schema: str = "jobs") -> None:
    """A table of jobs, a row each."""
    rows = ", ".join(f"({row.format(id)})" for id in ALL)
    table = f"{schema}.job"
    execute(dsn, f"CREATE TABLE {table} ({columns})", f"INSERT INTO {table} VALUES {rows}", budget_s=BUDGET_S)


@pytest.mark.parametrize("shape", TABLES)
def test_the_rows_of_those_jobs_go_and_no_others(shape: str, dsn: str) -> None:
    """However the id is kept, and whatever else has its value."""
    make_jobs(dsn, *TABLES[shape])
    assert forget_postgres_jobs(dsn, "forgets", GONE, ALL) == 2
    assert value(dsn, LEFT) == "2 4"


def test_what_is_numbered_like_a_job_stays(dsn: str) -> None:
    """The queue with the number 1, and a job that others refer to."""
    make_jobs(dsn, *TABLES["a number that the server gives"])
    execute(
        dsn,
        "CREATE TABLE queue (id int PRIMARY KEY)",
        "INSERT INTO queue VALUES (1)",
        "CREATE TABLE log (job bigint REFERENCES jobs.job, line text)",
        "INSERT INTO log VALUES (3, 'one'), (3, 'two')",
        budget_s=BUDGET_S,
    )
    assert forget_postgres_jobs(dsn, "forgets", GONE, ALL) == 1
    assert value(dsn, LEFT) == "2 3 4"
    assert value(dsn, "SELECT id FROM queue") == 1
    assert value(dsn, "SELECT count(*) FROM log") == 2


def test_jobs_in_partitions_go(dsn: str) -> None:
    """Once each."""
    execute(
        dsn,
        "CREATE TABLE jobs.job (queue text, id int, PRIMARY KEY (queue, id)) PARTITION BY LIST (queue)",
        "CREATE TABLE jobs.job_q PARTITION OF jobs.job FOR VALUES IN ('q')",
        "INSERT INTO jobs.job SELECT 'q', generate_series(1, 4)",
        budget_s=BUDGET_S,
    )
    assert forget_postgres_jobs(dsn, "forgets", GONE, ALL) == 2
    assert value(dsn, LEFT) == "2 4"


def test_a_place_that_is_a_schema_is_left_by_nothing(dsn: str) -> None:
    """Other tests have theirs in the same database, with jobs of the same numbers."""
    places = {name: f"{dsn}?search_path={name}" for name in ("place_1", "place_12")}
    for name, place in places.items():
        execute(place, f"CREATE SCHEMA {name}", budget_s=BUDGET_S)
        make_jobs(place, *TABLES["a number that the server gives"], schema=name)
    assert forget_postgres_jobs(places["place_1"], "place_1", GONE, ALL) == 2
    counts = {name: value(place, "SELECT count(*) FROM job") for name, place in places.items()}
    assert counts == {"place_1": 2, "place_12": 4}


def test_the_keys_of_those_jobs_go_and_no_others(given_redis: RunningService) -> None:
    """Not what has a job's number for a priority, and not another test's."""
    other = {"ns:q:priority:1", "ns:q:priority:3", "ns:q:waiting", "ns2:q:job:1", "ns2:q:job:3"}
    with client_of(given_redis) as client:
        for key in [*other, *(f"ns:q:job:{id}" for id in ALL), *(f"{{ns:q}}:data:{id}" for id in ALL)]:
            client.set(key, "1")
        assert forget_redis_jobs(given_redis.info.url, "ns", GONE, ALL) == 4
        left = {f"ns:q:job:{id}" for id in ("2", "4")} | {f"{{ns:q}}:data:{id}" for id in ("2", "4")}
        assert set(client.scan_iter()) == other | left


def test_jobs_without_keys_of_their_own_are_not_found(given_redis: RunningService) -> None:
    """And nothing is removed."""
    with client_of(given_redis) as client:
        client.hset("ns:q:jobs", mapping=dict.fromkeys(ALL, "1"))
        client.set(b"ns:q:\xff:1", "1")
        assert forget_redis_jobs(given_redis.info.url, "ns", GONE, ALL) == 0
