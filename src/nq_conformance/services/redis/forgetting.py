"""Removing jobs' records from a Redis behind an adapter's back."""

from __future__ import annotations

import re
from collections.abc import Collection

from nq_conformance.services.records import stems_of
from nq_conformance.services.redis.cleaning import ANSWER_BUDGET_S
from nq_conformance.services.redis.client import connect


def forget_redis_jobs(url: str, namespace: str, gone: Collection[str], among: Collection[str]) -> int:
    """Remove the keys with ``namespace`` in their names that end with an id of ``gone``; how many there were.

    ``among`` are the ids of all jobs that the queue has, by which their keys are told from others (see
    ``stems_of``). Raises redis.RedisError if the server does not answer.
    """
    client = connect(url, ANSWER_BUDGET_S)
    belongs = re.compile(re.escape(namespace) + "(?![A-Za-z0-9_])").search  # t1 spares t12
    try:
        # a key need not be text: what can't be read is kept as it is
        texts = [
            key.decode(errors="surrogateescape")
            for key in client.scan_iter(match=f"*{namespace}*", count=500)
        ]
        stems = stems_of(filter(belongs, texts), among)
        keys = [(stem + id).encode(errors="surrogateescape") for stem in stems for id in gone]
        return int(client.delete(*keys)) if keys else 0
    finally:
        client.close()
