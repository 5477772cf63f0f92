"""The few questions that the kit itself puts to a Postgres, through asyncpg in a thread of its own.

The kit's fixtures are plain functions, called while an event loop of the test's may be running.
So each question gets a short-lived loop in a short-lived thread, and no connection outlives it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import quote, urlsplit, urlunsplit

from nq_conformance.services.errors import Attempt, ServiceError

if TYPE_CHECKING:
    from asyncpg import Connection

T = TypeVar("T")
SERVICE = "postgres"
OLDEST = 13
PROBE_BUDGET_S = 2.0
"""For one connection and answer while a server comes up: it is on this machine."""
_FACTS = "SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000"
_PID = "SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)::int"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a Postgres says about itself; ``version`` is ``15.4``, ``major`` 15."""

    version: str
    major: int


def require_client() -> None:
    """Raise ServiceError unless the package asyncpg can be imported."""
    try:
        import asyncpg  # noqa: F401, PLC0415 - optional
    except ImportError as error:
        attempt = Attempt(
            "client",
            f"the package asyncpg can't be imported ({error})",
            "pip install 'nq-conformance[postgres]'",
        )
        message = f"Postgres can't be used (the environment's fault): {attempt}"
        raise ServiceError(message, service=SERVICE, tried=(attempt,)) from error


def talk(dsn: str, conversation: Callable[[Connection], Awaitable[T]], budget_s: float) -> T:
    """Hold ``conversation`` over a new connection to ``dsn``, within ``budget_s`` seconds in all.

    May be called from anywhere, also inside a running event loop, which it blocks. Raises
    asyncpg's errors, OSError where nobody listens, TimeoutError.
    """
    import asyncpg  # noqa: PLC0415 - optional

    async def whole() -> T:
        async with asyncio.timeout(budget_s):
            connection = await asyncpg.connect(dsn, timeout=budget_s, statement_cache_size=0)
            try:
                return await conversation(connection)
            finally:
                connection.terminate()

    found: list[T] = []
    raised: list[BaseException] = []

    def body() -> None:
        try:
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                found.append(runner.run(whole()))
        except BaseException as error:  # it belongs to the caller
            raised.append(error)

    thread = threading.Thread(target=body, name="nq-postgres-question", daemon=True)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return found[0]


def execute(dsn: str, *statements: str, budget_s: float) -> None:
    """Run statements, each in a transaction of its own. Raises as ``talk`` does."""

    async def run(connection: Connection) -> None:
        for statement in statements:
            await connection.execute(statement)

    talk(dsn, run, budget_s)


def ask(dsn: str, budget_s: float = PROBE_BUDGET_S) -> Facts:
    """What the server at ``dsn`` is. Raises as ``talk`` does."""

    async def facts(connection: Connection) -> Facts:
        row = await connection.fetchrow(_FACTS)
        version, major = cast("tuple[str, int]", row)
        return Facts(version.split()[0], major)

    return talk(dsn, facts, budget_s)


def ask_if_up(dsn: str) -> Facts | None:
    """``ask`` for a server that is coming up: None as long as it does not answer."""
    return _if_up(lambda: ask(dsn))


def postmaster_if_up(dsn: str) -> int | None:
    """The process id of the server at ``dsn``, by its own word; None as long as it does not answer."""

    async def pid(connection: Connection) -> int:
        return int(await connection.fetchval(_PID))

    return _if_up(lambda: talk(dsn, pid, PROBE_BUDGET_S))


def make_dsn(host: str, port: int, password: str, database: str = "postgres") -> str:
    """The address of a server that the kit started."""
    return f"postgresql://postgres:{quote(password, safe='')}@{host}:{port}/{database}"


def with_database(dsn: str, database: str) -> str:
    """``dsn`` for another database of the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{quote(database, safe='')}"))


def with_search_path(dsn: str, schema: str) -> str:
    """``dsn`` with ``schema`` (letters, digits, underscores) as the one that names are looked up in."""
    parts = urlsplit(dsn)
    more = f"search_path={quote(schema, safe='')}"
    return urlunsplit(parts._replace(query=f"{parts.query}&{more}" if parts.query else more))


def _if_up(question: Callable[[], T]) -> T | None:
    import asyncpg  # noqa: PLC0415 - optional

    try:
        return question()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # TimeoutError is an OSError
        return None
