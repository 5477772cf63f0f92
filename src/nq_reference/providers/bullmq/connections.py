"""BullMQ's connections to Redis, with timeouts and retries of our choosing.

BullMQ's own would try a command again for several minutes, and share redis-py's socket
timeout of five seconds between commands and the blocking wait of a worker, which then ends
in an error each time that nothing is to be done.
"""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from nq_conformance.contract import QueueError
from nq_reference.sources.redis.connections import blocking_client, command_client

logger = logging.getLogger("nq_reference.bullmq")
TIMEOUT_MS = 5_000
_MAX_WORKER_BLOCK_MS = 10_000
"""The longest that BullMQ lets a worker wait on the server in one call, for a delayed job."""

_QUEUE_CONNECTIONS = 16
_WORKER_CONNECTIONS = 4
_ACK_RETRIES = 30
_FIRST_VERSION = (6, 2)


@dataclass(frozen=True, slots=True)
class Clients:
    """The two clients of one worker."""

    commands: Redis
    blocking: Redis


def queue_client(url: str) -> Redis:
    """A client for what a provider does.

    What is tried again, and when, is as for our own Redis backend; all that is asked bears it.
    """
    return command_client(url, TIMEOUT_MS, _QUEUE_CONNECTIONS)


def event_client(url: str) -> Redis:
    """A client for reading event streams."""
    return blocking_client(url, TIMEOUT_MS)


def worker_clients(url: str, drain_delay_ms: int) -> Clients:
    """Clients for one worker.

    Commands are tried again for about half a minute: one of them may be the only word of how
    a job ended (FLT-04). All of BullMQ's scripts bear it: a second run finds the job's lock gone.
    """
    backoff = ExponentialBackoff(cap=1, base=0.05)
    retry = Retry(backoff, _ACK_RETRIES, supported_errors=(RedisConnectionError, RedisTimeoutError))
    blocking = blocking_client(url, TIMEOUT_MS, max(drain_delay_ms, _MAX_WORKER_BLOCK_MS))
    return Clients(command_client(url, TIMEOUT_MS, _WORKER_CONNECTIONS, retry), blocking)


async def require_redis(client: Redis) -> None:
    """Raise ``QueueError`` unless the server is a Redis that BullMQ works on; warn where it may
    evict keys, locks and jobs among them (DST-04).

    A server that can't be reached raises redis-py's own error.
    """
    await client.ping()
    try:
        told = (await client.info("server")).get("redis_version", "")
        policy = (await client.info("memory")).get("maxmemory_policy", "noeviction")
    except RedisError as error:
        raise QueueError(
            f"the server does not answer INFO ({error}): BullMQ needs a real Redis 6.2 or later, or "
            "Valkey, and does not work on an imitation such as fakeredis"
        ) from error
    version = tuple(int(part) for part in str(told).split(".")[:2] if part.isdigit())
    if version and version < _FIRST_VERSION:
        raise QueueError(f"the server is Redis {told}; BullMQ needs 6.2 or later")
    if policy != "noeviction":
        logger.warning(
            "Redis has maxmemory-policy %r: when its memory is full it may drop jobs and locks without a "
            "word. Set maxmemory-policy to noeviction on the server",
            policy,
        )


def client_name(prefix: str, queue: str) -> str:
    """How a worker's connections call themselves: as Node's do, so that its ``getWorkers`` counts
    them. Redis takes no spaces and no other than ASCII letters there."""
    plain = prefix if prefix.isascii() and prefix.isprintable() and " " not in prefix else _base64(prefix)
    return f"{plain}:{_base64(queue)}"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
