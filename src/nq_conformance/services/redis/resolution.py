"""Which Redis a run gets: the given URL, or the first candidate that is there, or the one asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from nq_conformance.services.choice import Candidate, Ways, only_lasting, resolve
from nq_conformance.services.info import RunningService, Started
from nq_conformance.services.redis import container, embedded, fake, given, local
from nq_conformance.services.redis.client import SERVICE, require_client

WAYS = Ways(
    service=SERVICE,
    example_url="redis://HOST:6379/0",
    given=given.check,
    candidates=(
        Candidate("container", container.start),
        Candidate("local", local.start),
        Candidate("embedded", embedded.start),
        Candidate("fake", fake.start, automatic=False),
    ),
)
LASTING: Mapping[str, Callable[[], Started]] = {
    "container": partial(container.start, lasting=True),
    "local": partial(local.start, lasting=True),
    "embedded": partial(embedded.start, lasting=True),
}
"""The ways to a server that may be stopped and started, by their kind."""


def start_redis(choice: str | None = None) -> RunningService:
    """Redis for a run, answering to PING; call it once a run and ``stop()`` it at the end.

    ``choice``: None or "auto" (container, local, embedded, in this order), one of these words or
    "fake", or a URL (redis://, rediss://, unix://), which is checked and never stopped or flushed.
    What is started listens on loopback only, keeps nothing on disk, and ends with this process
    even if that is killed.

    Raises ServiceError if the choice is no such word, or what it asks for can't be had; its message
    says what was tried, what is missing, and how to get it.
    """
    require_client()
    return resolve(WAYS, choice)


def start_lasting_redis(kind: str) -> RunningService:
    """One more Redis of this kind, whose ``switch`` takes it down and back with its data.

    Raises ServiceError if there is none to be had, or none of this kind can be stopped: a given one,
    an imitation.
    """
    return resolve(only_lasting(WAYS, LASTING), kind)
