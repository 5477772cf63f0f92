"""Which Redis a run gets: the given URL, or the first candidate that is there, or the one asked for."""

from __future__ import annotations

from nq_conformance.services.choice import Candidate, Ways, resolve
from nq_conformance.services.info import RunningService
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
