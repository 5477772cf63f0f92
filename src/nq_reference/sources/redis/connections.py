"""The connections: a link for scripts, a pool for other commands, one for calls that wait for something.

Here is all that the source decides about timeouts and retries.

- A command raises ``redis.exceptions.TimeoutError`` when the server does not answer within
  ``timeout_ms``, and that is not tried again: a server that hangs would cost the time anew.
- A connection that is refused or breaks is tried three times more, within about a quarter
  of a second, then ``redis.exceptions.ConnectionError`` is raised. Every script bears being
  run twice: jobs are added by id, and an outcome that was accepted is accepted again. Only
  what a lost answer had claimed waits for its lock to end.
- A blocking call has a connection to itself and is not retried; who made it does that.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from nq_conformance.contract import QueueError

try:
    from nq_reference.sources.redis.link import Address, Link
except ImportError:  # hiredis is not installed
    Link = None  # type: ignore[assignment, misc]

BLOCK_MS = 5_000
"""How long a blocking call waits on the server before it is made anew."""

_LINKED = {"host", "port", "db", "username", "password"}
_UNEXPECTED = re.compile(r"unexpected keyword argument '(\w+)'")
_MAX_BLOCKING = 100_000  # the pool's own default would end at 100 queues
_log = logging.getLogger("nq_reference.redis")


def command_client(url: str, timeout_ms: int, max_connections: int, retry: Retry | None = None) -> Redis:
    """A client for commands; a call waits its turn where all connections are in use. Raises
    ``QueueError`` for a URL with an option that redis-py does not know."""
    backoff = ExponentialBackoff(cap=0.2, base=0.02)
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=timeout_ms / 1000,
        socket_timeout=timeout_ms / 1000,
        socket_connect_timeout=timeout_ms / 1000,
        retry=retry or Retry(backoff, 3, supported_errors=(RedisConnectionError,)),
        decode_responses=True,
    )
    _check_options(pool)
    return Redis.from_pool(pool)


def lean_link(url: str, timeout_ms: int, *, retried: bool = True) -> Link | None:
    """A link to ``url``, for what is called often.

    ``None`` without hiredis, or if the URL asks for more than a link can do: TLS, a Unix
    socket, options of redis-py's client. Then the client itself must do.
    """
    asked: dict[str, Any] = dict(parse_url(url))
    asked.pop("protocol", None)  # the link speaks RESP2, and the answers are the same
    if Link is None or not asked.keys() <= _LINKED:
        return None
    return Link(Address(**asked), timeout_ms, retried=retried)


def blocking_client(url: str, timeout_ms: int, block_ms: int = BLOCK_MS) -> Redis:
    """A client for blocking calls of up to ``block_ms``. Raises as ``command_client`` does."""
    pool = ConnectionPool.from_url(
        url,
        max_connections=_MAX_BLOCKING,
        socket_connect_timeout=timeout_ms / 1000,
        retry=Retry(NoBackoff(), 0, supported_errors=(RedisConnectionError,)),
        decode_responses=True,
    )
    _check_options(pool)
    # After the URL, whose own socket_timeout may be shorter than a blocking call.
    pool.connection_kwargs["socket_timeout"] = (block_ms + timeout_ms) / 1000
    return Redis.from_pool(pool)


def _check_options(pool: ConnectionPool) -> None:
    """redis-py itself would tell with the first command only, as a wrong call."""
    try:
        pool.make_connection()  # type: ignore[no-untyped-call] # connects to nothing yet
    except TypeError as error:
        name = _UNEXPECTED.search(str(error))
        if name is None:
            raise
        raise QueueError(
            f"the address of Redis has the option {name[1]!r}, which redis-py does not know; its options are "
            "those of redis.asyncio.Redis, as in redis://host:6379/0?health_check_interval=30"
        ) from error


class BlockingCalls(Protocol):
    """A connection for blocking calls of one caller, made when it is first needed."""

    async def execute(self, *command: str | bytes | int) -> Any:
        """The reply to ``command``."""

    async def close(self) -> None:
        """Hang up."""


class ClientCalls:
    """Blocking calls by way of redis-py's client, which belongs to somebody else."""

    def __init__(self, client: Redis) -> None:
        self._execute: Callable[..., Awaitable[Any]] = client.execute_command

    async def execute(self, *command: str | bytes | int) -> Any:
        """The reply to ``command``."""
        return await self._execute(*command)

    async def close(self) -> None:
        """Nothing to do."""


async def stop(task: asyncio.Future[None]) -> None:
    """Cancel a task that uses a client, and wait for its end.

    Once is not enough: redis-py 8 swallows a cancellation that comes at a certain point of
    connecting, and the task goes on as if nothing had been said.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.05)


async def warn_of_eviction(client: Redis) -> None:
    """Log a warning where the server may evict keys, locks and jobs among them (DST-04).

    A server that does not tell its policy is passed over.
    """
    try:
        memory = await client.info("memory")
    except RedisError:
        return
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        _log.warning(
            "Redis has maxmemory-policy %r: when its memory is full it may drop jobs and locks without a"
            " word. Set maxmemory-policy to noeviction on the server.",
            policy,
        )
