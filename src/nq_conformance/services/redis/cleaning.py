"""Removes the keys of one test from a Redis that others may be using too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nq_conformance.services.redis.client import connect

if TYPE_CHECKING:
    from redis import Redis

ANSWER_BUDGET_S = 10.0
BATCH_KEYS = 500
_NAMESPACE = re.compile(r"[A-Za-z0-9_]+")


def clean_redis(url: str, namespace: str) -> int:
    """Remove the keys that begin with ``namespace``, also inside a hash tag; how many there were.

    Those are ``namespace``, ``namespace:queue``, ``{namespace:queue}:x`` and the like: the namespace must
    end where a character follows that is none of ``[A-Za-z0-9_]``, so that ``t1`` spares ``t12:queue``.
    Braces before it may be more than one, and %-escaped.
    Goes by SCAN, so that others at work on the same server are not held up; keys that appear
    meanwhile may be missed.

    Raises ValueError for a namespace that is empty or holds other characters than these, and
    redis.RedisError if the server does not answer.
    """
    if not _NAMESPACE.fullmatch(namespace):
        raise ValueError(f"{namespace!r} is no namespace: one or more of A-Z, a-z, 0-9 and _ are wanted")
    client = connect(url, ANSWER_BUDGET_S)
    try:
        return sum(_remove(client, keys) for keys in _batches(client, namespace))
    finally:
        client.close()


def _batches(client: Redis, namespace: str) -> Iterator[list[bytes]]:
    belongs = re.compile(rb"(?:\{|%7B)*" + namespace.encode() + rb"(?![A-Za-z0-9_])").match
    batch: list[bytes] = []
    for key in client.scan_iter(match=f"*{namespace}*", count=BATCH_KEYS):
        if belongs(key):
            batch.append(key)
        if len(batch) == BATCH_KEYS:
            yield batch
            batch = []
    if batch:
        yield batch


def _remove(client: Redis, keys: list[bytes]) -> int:
    return int(client.unlink(*keys))
