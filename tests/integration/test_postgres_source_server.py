"""PostgresSource and its server: schema, transactions, locks, plans, lost connections, poolers."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import asyncpg
import pytest
from durable_source_tools import SERIES
from postgres_source_tools import BUDGET_S, MakeSource, connected, kill_others, until
from source_tools import QUEUE, Heard, claim, claimed_ids, ended_ids, exchange_until, job, state_of

from nq_conformance.contract import InvalidJobError, JobOptions, QueueError
from nq_reference.job_source import Outcome
from nq_reference.sources.postgres import PostgresSource
from nq_reference.sources.postgres.source import PostgresOptions
from nq_reference.sources.postgres.statements import Statements

pytest_plugins = ["postgres_source_tools"]
pytestmark = pytest.mark.anyio
WAITS_FOR_LOCK = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1"


@pytest.fixture
def anyio_backend() -> str:
    """The source runs on asyncio alone."""
    return "asyncio"


def schema_of(source: PostgresSource) -> str:
    """The quoted schema of a source."""
    return f'"{source._statements.schema}"'


async def waiting_for_a_lock(connection: Any, verb: str) -> None:
    """Return when a statement with ``verb`` in it waits for a lock."""

    async def waits() -> bool:
        return bool(await connection.fetchval(WAITS_FOR_LOCK, f"%{verb}%"))

    await until(waits, f"a {verb} that waits for a lock")


# The schema


async def test_several_that_start_at_once_make_one_schema(postgres_dsn: str) -> None:
    """Eight sources open a schema that is not there; all work, and each migration was applied once."""
    sources = [PostgresSource(postgres_dsn, schema="at_once") for _ in range(8)]
    await asyncio.gather(*(source.open() for source in sources))
    await asyncio.gather(*(source.add(QUEUE, [job(str(n))]) for n, source in enumerate(sources)))
    assert (await sources[0].counts(QUEUE)).waiting == 8
    await asyncio.gather(*(source.close() for source in sources))
    async with connected(postgres_dsn) as connection:
        numbers = await connection.fetch("SELECT number FROM at_once.migration ORDER BY number")
        await connection.execute("DROP SCHEMA at_once CASCADE")
    assert [row[0] for row in numbers] == list(range(1, len(numbers) + 1))


async def test_a_schema_of_a_later_version_is_refused(
    postgres_source: PostgresSource, make_postgres_source: MakeSource, postgres_dsn: str
) -> None:
    """Who does not know what it finds keeps its hands off, and says so."""
    async with connected(postgres_dsn) as connection:
        await connection.execute(f"INSERT INTO {schema_of(postgres_source)}.migration VALUES (999, 'later')")
    with pytest.raises(QueueError, match="later version of this package made"):
        await make_postgres_source().open()


@pytest.mark.parametrize("schema", ["", "a b", 'a"b', "1a", "ä", "a" * 49, "a\0", "a;drop"])
async def test_a_schema_that_needs_care_is_refused(schema: str) -> None:
    """Names go into statements: only plain ones are taken."""
    with pytest.raises((QueueError, InvalidJobError), match="schema"):
        PostgresSource("postgresql://127.0.0.1:1/x", schema=schema)


async def test_what_an_earlier_version_has_kept_is_worked_on(
    make_postgres_source: MakeSource, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A schema that was left at an earlier migration is brought on when a source is opened, with its jobs."""
    every = Statements.migrations
    monkeypatch.setattr(Statements, "migrations", lambda self: every(self)[:21])
    schema = f"e{uuid.uuid4().hex}"
    before = make_postgres_source(schema=schema)
    await before.open()
    old = await ended_ids(before, 3, keep=2)
    await before.close()
    monkeypatch.undo()
    after = make_postgres_source(schema=schema)
    await after.open()
    new = await ended_ids(after, 1, keep=2, name="new")
    kept = [each.id for each in await after.list(QUEUE, ["completed"], 0, None)]
    await after.close()
    async with connected(postgres_dsn) as connection:
        await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
    assert kept == [old[2], *new]


async def test_schemas_are_apart(postgres_source: PostgresSource, make_postgres_source: MakeSource) -> None:
    """A job in one is not in the other, whose name begins alike."""
    other = make_postgres_source(schema=f"{postgres_source._statements.schema}x")
    await other.open()
    await postgres_source.add(QUEUE, [job("a")])
    assert await state_of(other, "a") is None
    assert await claimed_ids(other, 9) == []


# Transactions


async def test_adds_at_the_same_time_share_a_transaction(
    postgres_source: PostgresSource, postgres_dsn: str
) -> None:
    """A hundred concurrent adds cost some commits, not a hundred."""
    await asyncio.gather(*(postgres_source.add(QUEUE, [job(str(n))]) for n in range(100)))
    async with connected(postgres_dsn) as connection:
        transactions = f"SELECT count(DISTINCT xmin::text) FROM {schema_of(postgres_source)}.job"
        assert await connection.fetchval(transactions) <= 10


async def test_outcomes_and_the_claim_are_one_transaction(
    postgres_source: PostgresSource, postgres_dsn: str
) -> None:
    """What an exchange ends and what it claims have been written together."""
    await postgres_source.add(QUEUE, [job("a"), job("b")])
    await claimed_ids(postgres_source, 1)
    await claimed_ids(postgres_source, 1, Outcome("a", "t", "complete", "1"))
    async with connected(postgres_dsn) as connection:
        transactions = f"SELECT count(DISTINCT xmin::text) FROM {schema_of(postgres_source)}.job"
        assert await connection.fetchval(transactions) == 1


async def test_no_transaction_is_open_between_two_calls(
    postgres_source: PostgresSource, postgres_dsn: str
) -> None:
    """While a job is held, as by a handler, no connection is in a transaction (DST-05)."""
    await postgres_source.add(QUEUE, [job("a")])
    assert await claimed_ids(postgres_source, 1) == ["a"]
    async with connected(postgres_dsn) as connection:
        states = await connection.fetch(
            "SELECT state FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state LIKE '%transaction%'"
        )
    assert states == []


async def test_two_that_claim_at_once_share_the_jobs(make_postgres_source: MakeSource) -> None:
    """Each of 300 jobs is claimed once, whoever is faster."""
    here, there = make_postgres_source(), make_postgres_source()
    await here.add(QUEUE, [job(str(n)) for n in range(300)])

    async def drain(source: PostgresSource, token: str) -> list[str]:
        got: list[str] = []
        while more := await claimed_ids(source, 7, token=token):
            got += more
        return got

    both = await asyncio.gather(drain(here, "h"), drain(there, "t"))
    assert sorted(both[0] + both[1], key=int) == [str(n) for n in range(300)]


async def test_the_same_ids_in_another_order_do_not_deadlock(make_postgres_source: MakeSource) -> None:
    """Two that add the same jobs, one of them backwards, both get through, and each job is there once."""
    here, there = make_postgres_source(), make_postgres_source()
    for batch in range(20):
        jobs = [job(f"{batch}-{n}") for n in range(50)]
        await asyncio.gather(here.add(QUEUE, jobs), there.add(QUEUE, jobs[::-1]))
    assert (await here.counts(QUEUE)).waiting == 1000


async def test_a_pause_waits_for_a_claim_under_way(
    postgres_source: PostgresSource, postgres_dsn: str
) -> None:
    """Once pause has returned nobody is given a job any more, by no process (PAU-02)."""
    await postgres_source.add(QUEUE, [job("a")])
    exchange = postgres_source._statements.verb("exchange")
    async with connected(postgres_dsn) as connection, connected(postgres_dsn) as watching:
        async with connection.transaction():
            await connection.fetch(exchange, QUEUE, [], [], [], [], [], [], 1, "other", 30_000, 1)
            pausing = asyncio.create_task(postgres_source.pause(QUEUE))
            await waiting_for_a_lock(watching, "pause")
        with anyio.fail_after(BUDGET_S):
            await pausing
    assert await state_of(postgres_source, "a") == "active"


# Retention


async def test_jobs_that_stay_are_not_locked(postgres_source: PostgresSource, postgres_dsn: str) -> None:
    """Whoever is busy with a job that is to stay holds up none that ends (RTY-12)."""
    old = await ended_ids(postgres_source, 4, keep=None)
    async with connected(postgres_dsn) as connection, connection.transaction():
        locked = f"SELECT id FROM {schema_of(postgres_source)}.job WHERE id = $1 FOR UPDATE"
        assert await connection.fetchval(locked, old[3])
        new = await ended_ids(postgres_source, 1, keep=2, name="new")
    assert [each.id for each in await postgres_source.list(QUEUE, ["completed"], 0, None)] == [old[3], *new]


async def test_a_surplus_job_that_somebody_is_busy_with_goes_with_the_next(
    postgres_source: PostgresSource, postgres_dsn: str
) -> None:
    """It is not waited for, and not forgotten (RTY-12)."""
    old = await ended_ids(postgres_source, 2, keep=None)
    async with connected(postgres_dsn) as connection, connection.transaction():
        locked = f"SELECT id FROM {schema_of(postgres_source)}.job WHERE id = $1 FOR UPDATE"
        assert await connection.fetchval(locked, old[0])
        await ended_ids(postgres_source, 1, keep=1, name="new")
    assert [await state_of(postgres_source, id) for id in old] == ["completed", None]
    last = await ended_ids(postgres_source, 1, keep=1, name="last")
    assert [each.id for each in await postgres_source.list(QUEUE, ["completed"], 0, None)] == last


async def test_jobs_that_stalled_too_often_keep_the_newest_under_the_lock_of_the_queue(
    postgres_source: PostgresSource, postgres_dsn: str
) -> None:
    """While another call counts ended jobs none fails that would have others dropped; nobody waits for the
    other, and those that drop none are recovered meanwhile (RTY-12, STL-04)."""
    await postgres_source.add(QUEUE, [job("old", remove_on_fail=1)])
    await claimed_ids(postgres_source, 1)
    await claimed_ids(postgres_source, 0, Outcome("old", "t", "fail", "no", keep=1))
    await postgres_source.add(QUEUE, [job("a", remove_on_fail=1), job("b", remove_on_fail=1), job("c")])
    await claimed_ids(postgres_source, 3, lock_ms=1)
    strict = claim(0, max_stalls=0)
    async with connected(postgres_dsn) as connection, connection.transaction():
        schema = schema_of(postgres_source)
        held = f"SELECT pg_advisory_xact_lock('{schema}.job'::regclass::oid::int, id) FROM {schema}.queue"
        await connection.execute(held)
        meanwhile = await exchange_until(postgres_source, strict, lambda reply: reply.dead, "c, dead")
        assert [each.id for each in meanwhile.dead] == ["c"]
        assert (await postgres_source.exchange(QUEUE, [], strict)).next_in_ms == 0
        assert [await state_of(postgres_source, id) for id in ("old", "a", "b")] == [
            "failed",
            "active",
            "active",
        ]
    later = await postgres_source.exchange(QUEUE, [], strict)
    assert [each.id for each in later.dead] == ["a", "b"]
    assert [each.id for each in await postgres_source.list(QUEUE, ["failed"], 0, None)] == ["b"]


async def test_an_id_that_no_text_column_could_hold_is_the_id_of_no_job(
    postgres_source: PostgresSource,
) -> None:
    """NUL and lone surrogates are not sent to the server, which would refuse them (QRY-01)."""
    for id in ("a\0b", "\ud800"):
        assert await postgres_source.get(QUEUE, id) is None
        assert not await postgres_source.remove(QUEUE, id)
        assert not await postgres_source.remove_schedule(QUEUE, id)


# Events


async def test_events_of_many_writers_are_told_once_each(make_postgres_source: MakeSource) -> None:
    """Whatever the order of numbers and commits, a reader elsewhere sees every event, once (EVT-10)."""
    heard = Heard()
    reader, *writers = [make_postgres_source() for _ in range(5)]
    await reader.subscribe(QUEUE, heard).ready()

    async def write(source: PostgresSource, name: str) -> None:
        for n in range(50):
            await source.add(QUEUE, [job(f"{name}{n}")])

    async with anyio.create_task_group() as tasks:
        for name, source in zip("abcd", writers, strict=True):
            tasks.start_soon(write, source, name)
    ids = [id for _, id, _ in await heard.first(200)]
    assert sorted(ids, key=str) == sorted(f"{name}{n}" for name in "abcd" for n in range(50))


async def test_a_subscriber_waits_for_a_change_that_does_not_know_of_it(
    postgres_source: PostgresSource, postgres_dsn: str
) -> None:
    """A change begun before is committed before the subscriber is ready, so it is not a later one."""
    add = postgres_source._statements.verb("add")
    heard = Heard()
    async with connected(postgres_dsn) as connection, connected(postgres_dsn) as watching:
        async with connection.transaction():
            await connection.fetch(add, QUEUE, ["before"], ["n"], ["1"], ["{}"], ["0"], ["0"], [None])
            subscription = postgres_source.subscribe(QUEUE, heard)
            await waiting_for_a_lock(watching, "attend")
        with anyio.fail_after(BUDGET_S):
            await subscription.ready()
        await connection.fetch(add, QUEUE, ["after"], ["n"], ["1"], ["{}"], ["0"], ["0"], [None])
    assert await heard.first(1) == [("waiting", "after", None)]


async def test_nothing_is_kept_for_nobody(postgres_source: PostgresSource, postgres_dsn: str) -> None:
    """Without a subscriber no event is stored."""
    await postgres_source.add(QUEUE, [job("a")])
    await claimed_ids(postgres_source, 1)
    async with connected(postgres_dsn) as connection:
        assert await connection.fetchval(f"SELECT count(*) FROM {schema_of(postgres_source)}.event") == 0


async def test_a_watch_may_be_rung_before_it_is_armed(make_postgres_source: MakeSource) -> None:
    """Work that comes between a look and the arming is not slept over."""
    here, there = make_postgres_source(), make_postgres_source()
    woken = asyncio.Event()
    watch = here.watch(QUEUE, woken.set)
    watch.arm()
    with anyio.fail_after(BUDGET_S):
        await woken.wait()  # it is listening now
    woken.clear()
    await there.add(QUEUE, [job("a")])
    canary = asyncio.Event()
    later = here.watch("other", canary.set)
    later.arm()
    with anyio.fail_after(BUDGET_S):
        await canary.wait()  # by the connection that brought the notification before
    assert not woken.is_set()
    watch.arm()
    with anyio.fail_after(BUDGET_S):
        await woken.wait()


# What a connection costs


async def test_a_connection_is_asked_for_no_type(
    postgres_source: PostgresSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncpg asks the server of each type that it does not know, on every connection anew, at a multiple
    of what the statement itself costs."""
    asked: list[Any] = []
    ask = asyncpg.Connection._introspect_types

    async def noted(self: Any, types: Any, timeout: Any) -> Any:
        asked.append(types)
        return await ask(self, types, timeout)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", noted)
    await postgres_source.add(QUEUE, [job("a"), job("b")])
    taken = await postgres_source.exchange(QUEUE, [], claim(1))
    held = taken.claimed[0]
    await postgres_source.extend_locks(QUEUE, [(held.id, held.token)], 1_000)
    ended = Outcome(held.id, held.token, "complete", "1")
    done = await postgres_source.exchange(QUEUE, [ended], claim(1))
    assert (done.accepted, done.claimed[0].id, done.claimed[0].attempts_made) == ([True], "b", 0)
    assert len(await postgres_source.list(QUEUE, ["completed", "active"], 0, 5)) == 2
    await postgres_source.put_schedule(QUEUE, SERIES)
    await postgres_source.get(QUEUE, "a")
    await postgres_source.remove(QUEUE, "a")
    assert asked == []


# Plans


@pytest.mark.parametrize("keep", [None, "2"])
async def test_a_plan_made_for_an_empty_table_reads_no_more_of_a_full_one(
    postgres_source: PostgresSource, postgres_dsn: str, keep: str | None
) -> None:
    """Ending one job and claiming one touches a few rows of thousands, whatever was planned before."""
    exchange = postgres_source._statements.verb("exchange")
    nothing: tuple[list[Any], ...] = ([], [], [], [], [], [])
    told = (["0"], ["x"], ["complete"], ["1"], ["0"], [keep])
    read = (
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
        f" WHERE relname = 'job' AND schemaname = '{postgres_source._statements.schema}'"
    )
    async with connected(postgres_dsn) as connection:
        for _ in range(8):  # from the sixth on a plan is kept
            await connection.fetch(exchange, QUEUE, *told, 1, "x", 30_000, 1)
        await postgres_source.add(QUEUE, [job(str(n)) for n in range(3000)])
        await connection.fetch(exchange, QUEUE, *nothing, 1, "x", 30_000, 1)
        async with connection.transaction():
            before = await connection.fetchval(read) or 0
            (row,) = await connection.fetch(exchange, QUEUE, *told, 1, "y", 30_000, 1)
            touched = await connection.fetchval(read) - before
    assert (row["accepted"], row["claimed_ids"]) == (["true"], ["1"])
    assert touched < 20


async def test_no_plan_that_was_made_dear_is_compiled(
    postgres_source: PostgresSource, postgres_dsn: str
) -> None:
    """Where a function forbids ways to read, it also keeps the server from compiling what looks dear."""
    async with connected(postgres_dsn) as connection:
        settings = await connection.fetch(
            "SELECT proconfig FROM pg_proc WHERE proconfig IS NOT NULL"
            " AND pronamespace = $1::text::regnamespace",
            schema_of(postgres_source),
        )
    assert settings
    assert all("jit=off" in row[0] for row in settings)


# Lost connections


async def test_calls_go_on_after_connections_were_killed(
    postgres_source: PostgresSource, postgres_dsn: str
) -> None:
    """A restart of the server or a failover of its address costs no call (FLT-02)."""
    await postgres_source.add(QUEUE, [job("a")])
    async with connected(postgres_dsn) as connection:
        assert await kill_others(connection) >= 1
    await postgres_source.add(QUEUE, [job("b")])
    assert await claimed_ids(postgres_source, 9) == ["a", "b"]


async def test_a_call_under_way_is_made_again_when_its_connection_is_killed(
    postgres_source: PostgresSource, postgres_dsn: str
) -> None:
    """The job is stored, once, though the first try was cut off."""
    add = postgres_source._statements.verb("add")
    async with connected(postgres_dsn) as connection, connected(postgres_dsn) as killer:
        async with connection.transaction():
            await connection.fetch(add, QUEUE, ["a"], ["n"], ["1"], ["{}"], ["0"], ["0"], [None])
            adding = asyncio.create_task(postgres_source.add(QUEUE, [job("a"), job("b")]))
            await waiting_for_a_lock(killer, "add")
            waiting = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            await killer.execute(waiting)
        with anyio.fail_after(BUDGET_S):
            assert await adding == ["a", "b"]
    assert (await postgres_source.counts(QUEUE)).waiting == 2


async def test_listening_goes_on_after_connections_were_killed(
    postgres_source: PostgresSource, make_postgres_source: MakeSource, postgres_dsn: str
) -> None:
    """A watch calls, so that its worker looks for itself, and events go on where they were (FLT-03)."""
    heard, woken = Heard(), asyncio.Event()
    there = make_postgres_source()
    await postgres_source.subscribe(QUEUE, heard).ready()
    watch = postgres_source.watch(QUEUE, woken.set)

    async def rung(act: Callable[[], Awaitable[object]]) -> None:
        woken.clear()
        watch.arm()
        await act()
        with anyio.fail_after(BUDGET_S):
            await woken.wait()

    await rung(anyio.lowlevel.checkpoint)
    async with connected(postgres_dsn) as connection:
        await rung(lambda: kill_others(connection))
    await rung(lambda: there.add(QUEUE, [job("a")]))
    assert await heard.first(1) == [("waiting", "a", None)]


async def test_calls_raise_when_nobody_answers() -> None:
    """Where no server is, an error comes within the budget, also with a subscriber that waits (FLT-01)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        down = PostgresSource(f"postgresql://u:p@127.0.0.1:{free.getsockname()[1]}/x")
        down.subscribe(QUEUE, Heard())
        with anyio.fail_after(BUDGET_S):
            for call in (down.open(), down.add(QUEUE, [job("a")]), down.counts(QUEUE), down.get(QUEUE, "a")):
                with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
                    await call
            await down.close()


async def test_a_server_that_hangs_is_given_up(postgres_source: PostgresSource, postgres_dsn: str) -> None:
    """A call raises TimeoutError when its time is over, and the next one is served."""
    hasty = PostgresSource(
        postgres_dsn, schema=postgres_source._statements.schema, options=PostgresOptions(timeout_ms=300)
    )
    add = postgres_source._statements.verb("add")
    async with connected(postgres_dsn) as connection, connection.transaction():
        await connection.fetch(add, QUEUE, ["a"], ["n"], ["1"], ["{}"], ["0"], ["0"], [None])
        with pytest.raises(TimeoutError):
            await hasty.add(QUEUE, [job("a"), job("b")])
    assert await hasty.add(QUEUE, [job("a"), job("b")]) == ["a", "b"]
    await hasty.close()


# Behind a pooler


async def test_without_listening_a_poll_finds_work_and_events(make_postgres_source: MakeSource) -> None:
    """What PgBouncer in transaction mode allows is enough."""
    here = make_postgres_source(listen=False, statement_cache_size=0, poll_ms=20)
    there = make_postgres_source()
    heard, woken = Heard(), asyncio.Event()
    await here.subscribe(QUEUE, heard).ready()
    here.watch(QUEUE, woken.set).arm()
    await there.add(QUEUE, [job("a")])
    with anyio.fail_after(BUDGET_S):
        await woken.wait()
    assert await claimed_ids(here, 9) == ["a"]
    assert await heard.first(2) == [("waiting", "a", None), ("active", "a", None)]


async def test_options_with_their_largest_values_are_kept(postgres_source: PostgresSource) -> None:
    """What the checks of the provider let through, the columns hold."""
    most = 10**15
    opts: dict[str, Any] = {
        "attempts": 2**31 - 1,
        "priority": 2**31 - 1,
        "remove_on_fail": most,
        "timeout": most,
    }
    await postgres_source.add(QUEUE, [job("a", **opts)])
    answer = await postgres_source.exchange(QUEUE, [], claim(most, lock_ms=most, max_stalls=most))
    assert [each.opts for each in answer.claimed] == [JobOptions(**opts)]
