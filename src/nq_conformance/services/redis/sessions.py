"""A Redis user whose sessions are those of one test, and their end.

Others may be using the same server, and an address tells nothing where Docker stands between. So a
test's connections are made by a user of its own, who may do all that the default user may.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from nq_conformance.services.redis.cleaning import ANSWER_BUDGET_S
from nq_conformance.services.redis.client import connect


@contextmanager
def redis_user(url: str, name: str) -> Iterator[str]:
    """``url`` with the user ``name``, whom the server knows until the end of the block.

    Raises redis.RedisError if the server can't have one: it is too old, or this user may not make any.
    """
    password = secrets.token_hex(16)
    _order(url, "ACL", "SETUSER", name, "reset", "on", f">{password}", "allkeys", "allchannels", "+@all")
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    try:
        yield urlunsplit(parts._replace(netloc=f"{name}:{password}@{place}"))
    finally:
        _order(url, "ACL", "DELUSER", name)


def end_redis_sessions(url: str, name: str) -> int:
    """End all connections of the user ``name``, and say how many there were; raises redis.RedisError."""
    return int(_order(url, "CLIENT", "KILL", "USER", name))


def _order(url: str, *words: str) -> int:
    client = connect(url, ANSWER_BUDGET_S)
    try:
        reply: Any = client.execute_command(*words)  # type: ignore[no-untyped-call]
        return reply if isinstance(reply, int) else 0
    finally:
        client.close()
