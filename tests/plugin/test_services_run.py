"""Servers and places that tests are given, with a real Redis and a real Postgres."""

from __future__ import annotations

import json
import socket

import pytest

from plugin.kit_runs import KitRuns

NEEDY = 'service = "redis"\nname = "needy"\ndef __init__(self, url="", prefix=""): self.jobs = {}'
RUN = ("--nq-adapter=other:Provider", "--nq-redis=local", "--nq-backend=asyncio")
TWO = """
import redis, re

def seen(lab):
    assert re.fullmatch("[a-z0-9_]{1,40}", lab.setting.namespace)
    client = redis.Redis.from_url(lab.setting.url)
    keys = client.keys("*")
    client.set(lab.setting.namespace + ":x", 1)
    lab.notes.append(f"url={lab.setting.url} before={sorted(keys)} space={lab.setting.namespace}")

@rule("ENQ-02")
async def test_one(lab): seen(lab)

@rule("QRY-02")
async def test_two(lab): seen(lab)
"""


def notes(result: pytest.RunResult, name: str) -> list[str]:
    """What the tests noted under ``name``."""
    text = " ".join(line.strip() for line in result.outlines)
    return [part.split(" ")[0] for part in text.split(f"{name}=")[1:]]


@pytest.mark.needs_redis_server
@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_all_tests_share_one_server_with_a_namespace_each(kit: KitRuns, workers: tuple[str, ...]) -> None:
    """One server a run, in the controller; the workers are told its address."""
    kit.suite(TWO)
    kit.shelf(NEEDY)
    result = kit.run(*RUN, *workers)
    result.assert_outcomes(passed=2)
    assert len(set(notes(result, "url"))) == 1
    assert len(set(notes(result, "space"))) == 2


@pytest.mark.needs_redis_server
def test_a_test_leaves_nothing_behind(kit: KitRuns) -> None:
    """What is stored under its namespace is removed before the next one."""
    kit.suite(TWO)
    kit.shelf(NEEDY)
    assert notes(kit.run(*RUN), "before") == ["[]", "[]"]


@pytest.mark.needs_redis_server
def test_the_server_ends_with_the_run(kit: KitRuns) -> None:
    """Also when the run fails."""
    kit.suite(TWO + '\n@rule("LIFE-01")\nasync def test_three(lab): assert False')
    kit.shelf(NEEDY)
    url = notes(kit.run(*RUN), "url")[0]
    host, _, port = url.removeprefix("redis://").removesuffix("/0").rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


def test_no_server_is_started_for_nothing(kit: KitRuns) -> None:
    """Not for a run that only collects, nor for one without a test that needs it."""
    kit.suite(TWO)
    kit.shelf(NEEDY)
    unreachable = ("--nq-adapter=other:Provider", "--nq-redis=redis://127.0.0.1:1/0")
    assert kit.run(*unreachable, "--collect-only").ret == pytest.ExitCode.OK
    assert kit.run(*unreachable, "-k", "nothing_like_it").ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.needs_redis_server
def test_a_server_that_dies_makes_failures_inconclusive(kit: KitRuns) -> None:
    """The environment is to blame then, not the adapter."""
    kit.suite(
        """
        import redis

        @rule("ENQ-02")
        async def test_one(lab):
            try:
                redis.Redis.from_url(lab.setting.url).shutdown(nosave=True)
            finally:
                raise ValueError("the adapter noticed")
        """
    )
    kit.shelf(NEEDY)
    result = kit.run(*RUN)
    result.stdout.fnmatch_lines(["  inconclusive  ENQ-02 MUST *", "*Redis server does not answer any more*"])


def test_an_adapter_with_files_gets_an_empty_folder(kit: KitRuns) -> None:
    """One for each test, gone afterwards."""
    kit.suite(
        """
        @rule("ENQ-02")
        async def test_one(lab):
            assert list(lab.setting.directory.iterdir()) == []
            (lab.setting.directory / "x").write_text("x")
            lab.notes.append(f"folder={lab.setting.directory}")
        """
    )
    kit.shelf('service = "directory"\ndef __init__(self, directory=None): self.jobs = {}')
    result = kit.run("--nq-adapter=other:Provider", "--nq-backend=asyncio")
    result.assert_outcomes(passed=1)
    folder = notes(result, "folder")[0]
    assert folder
    assert not (kit.path / folder).exists()


ELEPHANT = 'service = "postgres"\nname = "elephant"\ndef __init__(self, dsn="", schema=""): self.jobs = {}'
POSTGRES_RUN = ("--nq-adapter=other:Provider", "--nq-postgres=local", "--nq-backend=asyncio")
TWO_DATABASES = """
import asyncpg

async def seen(lab):
    connection = await asyncpg.connect(lab.setting.dsn)
    tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    await connection.execute("CREATE TABLE jobs (id int)")
    server, _, database = lab.setting.dsn.rpartition("/")
    lab.notes.append(f"server={server} database={database} before={tables} space={lab.setting.namespace}")

@rule("ENQ-02")
async def test_one(lab): await seen(lab)

@rule("QRY-02")
async def test_two(lab): await seen(lab)
"""


@pytest.mark.needs_postgres
@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_all_tests_share_one_postgres_with_a_database_each(kit: KitRuns, workers: tuple[str, ...]) -> None:
    """Also an adapter that uses a fixed schema finds it empty; connections left open are no hindrance."""
    kit.suite(TWO_DATABASES)
    kit.shelf(ELEPHANT)
    result = kit.run(*POSTGRES_RUN, *workers)
    result.assert_outcomes(passed=2)
    assert len(set(notes(result, "server"))) == 1
    assert notes(result, "database") == notes(result, "space")
    assert len(set(notes(result, "space"))) == 2
    assert notes(result, "before") == ["0", "0"]


@pytest.mark.needs_postgres
def test_the_report_tells_which_postgres_it_was(kit: KitRuns) -> None:
    """Its kind and version, and nothing secret."""
    kit.suite(TWO_DATABASES)
    kit.shelf(ELEPHANT)
    result = kit.run(*POSTGRES_RUN, "--nq-report=report.json")
    text = (kit.path / "report.json").read_text()
    (service,) = json.loads(text)["services"]
    assert (service["service"], service["kind"], service["real"]) == ("postgres", "local", True)
    assert service["version"]
    assert "@127.0.0.1" not in text.replace(notes(result, "server")[0], "")


@pytest.mark.needs_postgres
def test_a_postgres_that_dies_makes_failures_inconclusive(kit: KitRuns) -> None:
    """The environment is to blame then, not the adapter."""
    kit.suite(
        """
        import asyncpg, os, signal

        @rule("ENQ-02")
        async def test_one(lab):
            connection = await asyncpg.connect(lab.setting.dsn)
            pid = await connection.fetchval("SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)")
            os.kill(int(pid), signal.SIGQUIT)
            raise ValueError("the adapter noticed")
        """
    )
    kit.shelf(ELEPHANT)
    result = kit.run(*POSTGRES_RUN)
    result.stdout.fnmatch_lines(["  inconclusive  ENQ-02 MUST *", "*Postgres server *"])
