"""Which Postgres a run gets: the given DSN, or the first candidate that is there, or the one asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from nq_conformance.services.choice import Candidate, Ways, only_lasting, resolve
from nq_conformance.services.info import RunningService, Started
from nq_conformance.services.postgres import container, embedded, given, local
from nq_conformance.services.postgres.client import SERVICE, require_client

WAYS = Ways(
    service=SERVICE,
    example_url="postgresql://HOST:5432/DATABASE",
    given=given.check,
    candidates=(
        Candidate("container", container.start),
        Candidate("local", local.start),
        Candidate("embedded", embedded.start),
    ),
)
LASTING: Mapping[str, Callable[[], Started]] = {
    "container": partial(container.start, lasting=True),
    "local": local.start,
    "embedded": embedded.start,
}
"""The ways to a server that may be stopped and started, by their kind."""


def start_postgres(choice: str | None = None) -> RunningService:
    """Postgres for a run, accepting connections; call it once a run and ``stop()`` it at the end.

    ``choice``: None or "auto" (container, local, embedded, in this order), one of these words, or a
    DSN (postgresql://, postgres://), which is checked and never stopped. What is started listens on
    loopback only, with a password that its URL holds, forgets its data, and ends with this process
    even if that is killed.

    Raises ServiceError if the choice is no such word, or what it asks for can't be had; its message
    says what was tried, what is missing, and how to get it.
    """
    require_client()
    return resolve(WAYS, choice)


def start_lasting_postgres(kind: str) -> RunningService:
    """One more Postgres of this kind, whose ``switch`` takes it down and back with its data.

    Raises ServiceError if there is none to be had, or none of this kind can be stopped: a given one.
    """
    return resolve(only_lasting(WAYS, LASTING), kind)
