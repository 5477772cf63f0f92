"""The few questions that the kit itself puts to a Redis, through the package redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nq_conformance.services.errors import Attempt, ServiceError

if TYPE_CHECKING:
    from redis import Redis

SERVICE = "redis"
PROBE_BUDGET_S = 1.0
"""For one connection or answer while a server comes up: it is on this machine."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a Redis says about itself; '' and 0 where it does not (fakeredis knows no INFO)."""

    version: str = ""
    process_id: int = 0


def require_client() -> None:
    """Raise ServiceError unless the package redis can be imported."""
    try:
        import redis  # noqa: F401, PLC0415 - optional
    except ImportError as error:
        attempt = Attempt(
            "client", f"the package redis can't be imported ({error})", "pip install 'nq-conformance[redis]'"
        )
        message = f"Redis can't be used (the environment's fault): {attempt}"
        raise ServiceError(message, service=SERVICE, tried=(attempt,)) from error


def connect(url: str, timeout_s: float) -> Redis:
    """A client that waits ``timeout_s`` seconds for a connection or an answer, and tries once.

    It connects at its first command. Raises ValueError for a malformed URL.
    """
    from redis import Redis  # noqa: PLC0415 - optional
    from redis.backoff import NoBackoff  # noqa: PLC0415 - optional
    from redis.retry import Retry  # noqa: PLC0415 - optional

    return Redis.from_url(
        url,
        socket_connect_timeout=timeout_s,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        decode_responses=False,
    )


def ask(url: str, timeout_s: float = PROBE_BUDGET_S) -> Facts:
    """PING the server at ``url``, then ask what it is.

    Raises redis.RedisError if it does not answer PING.
    """
    client = connect(url, timeout_s)
    try:
        client.ping()
        return _facts(client)
    finally:
        client.close()


def ask_if_up(url: str) -> Facts | None:
    """``ask`` for a server that is coming up: None as long as it does not answer."""
    from redis import RedisError  # noqa: PLC0415 - optional

    try:
        return ask(url)
    except RedisError:
        return None


def _facts(client: Redis) -> Facts:
    from redis import ResponseError  # noqa: PLC0415 - optional

    try:
        info: Any = client.info("server")
    except ResponseError:  # not there (fakeredis), or not allowed to this user
        return Facts()
    version = str(info.get("redis_version", ""))
    if info.get("server_name") == "valkey":
        version = f"{info.get('valkey_version', version)} (Valkey)"
    return Facts(version, int(info.get("process_id", 0)))
