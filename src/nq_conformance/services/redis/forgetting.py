"""Removing one job's record from a Redis behind an adapter's back."""

from __future__ import annotations

from nq_conformance.services.redis.cleaning import ANSWER_BUDGET_S
from nq_conformance.services.redis.client import connect


def forget_redis_job(url: str, namespace: str, job_id: str) -> int:
    """Remove the keys with ``namespace`` in their names that end with ``job_id``, behind a character
    that is no part of a name; how many there were.

    Raises redis.RedisError if the server does not answer.
    """
    client = connect(url, ANSWER_BUDGET_S)
    ending = job_id.encode()
    try:
        keys = [
            key
            for key in client.scan_iter(match=f"*{namespace}*", count=500)
            if key.endswith(ending) and not key[: -len(ending)][-1:].isalnum()
        ]
        return int(client.delete(*keys)) if keys else 0
    finally:
        client.close()
