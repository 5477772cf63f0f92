"""Where on a cluster the keys of a test would lie; and what a server does when its memory is full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nq_conformance.services.redis.cleaning import ANSWER_BUDGET_S
from nq_conformance.services.redis.client import connect


def slots_of(url: str, namespace: str) -> Mapping[str, int]:
    """The keys with ``namespace`` in their names, and the hash slot of each (0 to 16383).

    Raises redis.RedisError if the server does not answer.
    """
    from redis.crc import key_slot  # noqa: PLC0415 - optional

    client = connect(url, ANSWER_BUDGET_S)
    try:
        keys = client.scan_iter(match=f"*{namespace}*", count=500)
        return {key.decode(errors="replace"): int(key_slot(key)) for key in keys}
    finally:
        client.close()


def set_eviction_policy(url: str, policy: str) -> None:
    """Let the server do as ``policy`` says when its memory is full; for a server of the kit's own.

    Raises redis.RedisError if it does not answer or knows no such policy.
    """
    client: Any = connect(url, ANSWER_BUDGET_S)
    try:
        client.config_set("maxmemory-policy", policy)
    finally:
        client.close()
